"""What each runtime role may do to the tables of this room."""

GRANTS = {
    "execution_run": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE", "execution": "SELECT, INSERT, UPDATE"},
    "execution_steprun": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE", "execution": "SELECT, INSERT, UPDATE"},
    "execution_stepoutput": {"all": "SELECT", "web": "SELECT, INSERT", "execution": "SELECT, INSERT"},
}
