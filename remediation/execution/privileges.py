"""What each runtime role may do to the tables of this room."""

GIVE_UP = (
    "UPDATE (status, status_at, status_reason, finished_at, fence, held_by_id, asked, asked_by_id, asked_at, "
    "watch_until, undoes)"
)
GRANTS = {
    "execution_run": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE",
        "execution": "SELECT, INSERT, UPDATE",
        "general": f"SELECT, {GIVE_UP}",
    },
    "execution_steprun": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE", "execution": "SELECT, INSERT, UPDATE"},
    "execution_stepoutput": {"all": "SELECT", "web": "SELECT, INSERT", "execution": "SELECT, INSERT"},
    "execution_reading": {"all": "SELECT", "execution": "SELECT, INSERT"},
}
