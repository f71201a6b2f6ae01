"""What each runtime role may do to the tables of this room. The execution cluster plays; the others read.

`web` asks for a proof when it keeps the last signature of a merge plan, `general` ends proofs that lost their worker.
"""

ENDS = "SELECT, UPDATE (status, status_at, says, fence)"
GRANTS = {
    "playbooks_proof": {
        "all": "SELECT",
        "web": f"{ENDS}, INSERT",
        "execution": "SELECT, INSERT, UPDATE (status, status_at, says, fence, text, digest)",
        "general": ENDS,
    },
    "playbooks_play": {
        "all": "SELECT",
        "execution": "SELECT, INSERT, UPDATE (status, says, before, beat_at, ended_at)",
    },
    "playbooks_playevent": {"all": "SELECT", "execution": "SELECT, INSERT"},
    "playbooks_fence": {"all": "SELECT", "execution": "SELECT, INSERT, UPDATE"},
}
