"""What `make run` starts and stops. Knows processes and the database server, never the product."""
