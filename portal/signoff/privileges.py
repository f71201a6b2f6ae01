"""What each runtime role may do to the tables of this room. No cluster can vote; a plan's content never changes."""

MOVE = "UPDATE (status, status_at, void_reason)"
GRANTS = {
    "signoff_plan": {
        "all": "SELECT",
        "web": f"SELECT, INSERT, {MOVE}",
        "probe": f"SELECT, INSERT, {MOVE}",
        "execution": f"SELECT, {MOVE}",
    },
    "signoff_vote": {"all": "SELECT", "web": "SELECT, INSERT"},
    "signoff_freeze": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "signoff_stop": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE (released_by_id, released_at)"},
}
