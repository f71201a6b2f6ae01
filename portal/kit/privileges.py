"""What each runtime role may do to the tables of Django and of the libraries: only the web keeps sessions.

django-q2 keeps pickles in its tables: a row that one cluster writes would be code that another one runs (law 5). The
job ledger takes their place, so nobody gets at them.
"""

WRITE = "SELECT, INSERT, UPDATE, DELETE"
GRANTS = {
    "auth_group": {"all": "SELECT", "web": WRITE},
    "auth_group_permissions": {"all": "SELECT", "web": WRITE},
    "auth_permission": {"all": "SELECT"},
    "django_admin_log": {"web": "SELECT, INSERT"},
    "django_content_type": {"all": "SELECT"},
    "django_migrations": {"all": "SELECT"},
    "django_q_ormq": {},
    "django_q_schedule": {},
    "django_q_task": {},
    "django_session": {"web": WRITE},
    "guardian_groupobjectpermission": {"all": "SELECT", "web": WRITE},
    "guardian_userobjectpermission": {"all": "SELECT", "web": WRITE},
}
