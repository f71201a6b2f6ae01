"""What each runtime role may do to the tables of this room."""

GRANTS = {"knowledge_runbook": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"}}
