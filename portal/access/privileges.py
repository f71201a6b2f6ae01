"""What each runtime role may do to the tables of this room."""

GRANTS = {
    "access_person": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "access_person_groups": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "access_person_user_permissions": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "access_failedsignin": {"web": "SELECT, INSERT, DELETE"},
    "access_token": {"web": "SELECT, INSERT, UPDATE"},
}
