"""What each runtime role may do to the tables of this room: add and read, never change or remove.

Nobody may give an event its id or what the database stamps on it. Bodies go by a function of the owner, which reads the
rules from tables that only the web may write.
"""

_GIVEN = (
    "at, kind, door, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name,"
    " ticket_id, ticket_key, body, body_digest"
)
_HOLD = "ticket_id, ticket_key, reason, placed_by, placed_at, lifted_by, lifted_at, lift_reason, is_settled"

GRANTS = {
    "audit_event": {"all": f"SELECT, INSERT ({_GIVEN})"},
    "audit_seal": {"all": "SELECT", "general": "INSERT"},
    "audit_retention": {"all": "SELECT", "web": "UPDATE (days)"},
    "audit_legalhold": {
        "all": "SELECT",
        "web": f"INSERT ({_HOLD}), UPDATE (lifted_by, lifted_at, lift_reason)",
    },
}
