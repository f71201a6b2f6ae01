"""What each runtime role may do to the tables of this room. Decisions and assessments are never changed.

Runs end in the hands of workers and of people, so both roles count failures; people release a brake.
"""

ADD = "SELECT, INSERT"
GRANTS = {
    "policy_categorypolicy": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "policy_categorypolicy_approvers": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "policy_assessment": {"all": "SELECT", "web": ADD, "probe": ADD, "execution": ADD, "general": ADD},
    "policy_decision": {"all": "SELECT", "web": ADD, "probe": ADD, "execution": ADD, "general": ADD},
    "policy_outcomeday": {"all": "SELECT"},
    "policy_failurebrake": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE",
        "execution": "SELECT, INSERT, UPDATE",
    },
    "policy_reservation": {"all": "SELECT", "execution": "SELECT, INSERT"},
}
