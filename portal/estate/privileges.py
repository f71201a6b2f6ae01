"""What each runtime role may do to the tables of this room."""

GRANTS = {
    "estate_category": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "estate_service": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "estate_signal": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "estate_target": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "estate_targetlock": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE",
        "execution": "SELECT, INSERT, UPDATE",
        "general": "SELECT, UPDATE (released_at)",
    },
}
