"""Stand-ins for what the drafters talk to, for tests of every room."""
