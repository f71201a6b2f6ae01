"""What each runtime role may do to the tables of this room. What was taken, and what was said, is never changed.

`web` asks for rehearsals and takes down ways back that people took; `general` ends rehearsals that lost their worker.
"""

ENDS = "SELECT, UPDATE (status, status_at, says, fence)"
GRANTS = {
    "wayback_taken": {"all": "SELECT", "web": "SELECT, INSERT", "execution": "SELECT, INSERT"},
    "wayback_rehearsal": {"all": "SELECT", "web": "SELECT, INSERT", "execution": ENDS, "general": ENDS},
    "wayback_rehearsalstep": {
        "all": "SELECT",
        "execution": "SELECT, INSERT, UPDATE (status, status_at, detail, is_proof)",
    },
    "wayback_rehearsaloutput": {"all": "SELECT", "execution": "SELECT, INSERT"},
}
