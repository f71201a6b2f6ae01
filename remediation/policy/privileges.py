"""What each runtime role may do to the tables of this room. Decisions and assessments are never changed."""

GRANTS = {
    "policy_categorypolicy": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "policy_categorypolicy_approvers": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "policy_assessment": {"all": "SELECT, INSERT", "drafting": "SELECT"},
    "policy_decision": {"all": "SELECT, INSERT", "drafting": "SELECT"},
    "policy_reservation": {"all": "SELECT", "execution": "SELECT, INSERT"},
}
