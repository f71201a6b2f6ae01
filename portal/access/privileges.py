"""What each runtime role may do to the tables of this room."""

# Everything but the digest of the password: only the web signs people in.
READABLE = "id, last_login, is_superuser, username, full_name, email, kind, is_active, is_staff, created_at"

GRANTS = {
    "access_person": {"all": f"SELECT ({READABLE})", "web": "SELECT, INSERT, UPDATE"},
    "access_person_groups": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "access_person_user_permissions": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "access_failedsignin": {"web": "SELECT, INSERT, DELETE"},
    "access_invitation": {"all": "SELECT (person_id, used_at, confirmed_at)", "web": "SELECT, INSERT, UPDATE"},
    "access_token": {"web": "SELECT, INSERT, UPDATE"},
}
