"""What each runtime role may do to the tables of this room: add and read, never change or remove."""

GRANTS = {"audit_event": {"all": "SELECT, INSERT"}}
