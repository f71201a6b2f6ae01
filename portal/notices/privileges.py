"""What each runtime role may do to the tables of this room. Drafts and gates tell nobody anything."""

GRANTS = {
    "notices_notice": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE",
        "execution": "SELECT, INSERT",
        "general": "SELECT, INSERT",
    }
}
