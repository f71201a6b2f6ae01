"""What each runtime role may do to the tables of this room: versions are added and never changed."""

GRANTS = {
    "postmortem_postmortem": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE (newest)",
        "general": "SELECT, INSERT, UPDATE (newest)",
    },
    "postmortem_version": {"all": "SELECT", "web": "SELECT, INSERT", "general": "SELECT, INSERT"},
}
