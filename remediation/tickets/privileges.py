"""What each runtime role may do to the tables of this room."""

FOLLOW = "SELECT, UPDATE (status, resolution, finished_at, pattern_id, pattern_similarity)"
GRANTS = {
    "tickets_ticket": {
        "web": "SELECT, INSERT, UPDATE",
        "drafting": FOLLOW,
        "probe": FOLLOW,
        "execution": FOLLOW,
        "general": FOLLOW,
    },
    "tickets_evidence": {"all": "SELECT", "web": "SELECT, INSERT", "probe": "SELECT, INSERT"},
    "tickets_idempotencykey": {"web": "SELECT, INSERT"},
}
