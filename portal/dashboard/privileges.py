"""What each runtime role may do to the tables of this room: the site asks, the general cluster makes and forgets."""

GRANTS = {
    "dashboard_bundle": {
        "web": "SELECT, INSERT (ticket_id, asked_by_id, asked_at, ended_at, digest, size, problem)",
        "general": "SELECT, UPDATE (ended_at, digest, size, problem), DELETE",
    },
    "dashboard_part": {"web": "SELECT", "general": "SELECT, INSERT, DELETE"},
}
