"""What each runtime role may do to the tables of this room."""

GRANTS = {
    "connectors_connector": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
}
