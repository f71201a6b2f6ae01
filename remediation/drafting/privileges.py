"""What each runtime role may do to the tables of this room. Revisions and attempts are never changed."""

MOVE = "UPDATE (status, status_at, status_reason, drafter, risk, confidence_percent, reliability_permille, has_written)"
GRANTS = {
    "drafting_remediation": {
        "all": f"SELECT, {MOVE}",
        "web": f"SELECT, INSERT, {MOVE}",
        "drafting": f"SELECT, INSERT, {MOVE}",
    },
    "drafting_revision": {"all": "SELECT", "web": "SELECT, INSERT", "drafting": "SELECT, INSERT"},
    "drafting_attempt": {"all": "SELECT", "drafting": "SELECT, INSERT"},
}
