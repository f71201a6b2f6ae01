"""People and machines, their tokens, roles and per-category grants."""
