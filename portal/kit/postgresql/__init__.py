"""Django's PostgreSQL engine, which finds out without a query whether a connection that it kept is still there."""
