"""The incident bundle: everything about one ticket in a file that proves itself without this server."""
