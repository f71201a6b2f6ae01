"""What each runtime role may do to the tables of this room."""

GRANTS = {"notices_notice": {"all": "SELECT, INSERT", "web": "SELECT, INSERT, UPDATE"}}
