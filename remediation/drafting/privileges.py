"""What each runtime role may do to the tables of this room. Revisions and attempts are never changed."""

MOVE = "status, status_at, status_reason"
WORK = "drafter, confidence_percent, reliability_permille, has_written"
GRANTS = {
    "drafting_remediation": {
        "web": f"SELECT, INSERT, UPDATE ({MOVE}, {WORK}, is_role_wanted)",
        "drafting": f"SELECT, INSERT, UPDATE ({MOVE}, drafter, confidence_percent)",
        "probe": f"SELECT, UPDATE ({MOVE}, risk, reliability_permille)",
        "execution": f"SELECT, UPDATE ({MOVE}, reliability_permille, has_written)",
        "general": f"SELECT, UPDATE ({MOVE}, reliability_permille)",
    },
    "drafting_revision": {"all": "SELECT", "web": "SELECT, INSERT", "drafting": "SELECT, INSERT"},
    "drafting_attempt": {"all": "SELECT", "drafting": "SELECT, INSERT"},
}
