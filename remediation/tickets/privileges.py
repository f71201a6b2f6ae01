"""What each runtime role may do to the tables of this room."""

FOLLOW = "SELECT, UPDATE (status, resolution, finished_at)"
GRANTS = {
    "tickets_ticket": {
        "web": f"{FOLLOW}, INSERT",
        "drafting": f"{FOLLOW}, UPDATE (pattern_id, pattern_similarity)",
        "probe": FOLLOW,
        "execution": FOLLOW,
        "general": FOLLOW,
    },
    "tickets_timeline": {"all": "SELECT", "web": "SELECT, INSERT"},
    "tickets_evidence": {"all": "SELECT", "web": "SELECT, INSERT", "probe": "SELECT, INSERT"},
    "tickets_idempotencykey": {"web": "SELECT, INSERT"},
}
