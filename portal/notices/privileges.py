"""What each runtime role may do to the tables of this room.

Drafts and gates tell nobody anything. The web keeps a webhook's secret and cannot read it; only the general cluster
writes letters, reads secrets and sends (law 5).
"""

SAYS = "SELECT, INSERT"
GRANTS = {
    "notices_message": {"web": SAYS, "execution": SAYS, "general": f"{SAYS}, UPDATE (spread_at)"},
    "notices_notice": {"web": f"{SAYS}, UPDATE (read_at)", "execution": SAYS, "general": SAYS},
    "notices_preference": {"web": "SELECT, INSERT, UPDATE", "execution": "SELECT", "general": "SELECT"},
    "notices_outlet": {
        "web": "SELECT, INSERT, UPDATE (name, url, kinds, is_enabled)",
        "general": "SELECT, UPDATE (failures, rests_until, error)",
    },
    "notices_webhooksecret": {"web": "SELECT (id), INSERT", "general": "SELECT"},
    "notices_letter": {
        "web": "SELECT, UPDATE (state, tries, due_at, ended_at, note)",
        "general": "SELECT, INSERT, UPDATE, DELETE",
    },
    "notices_enclosure": {"web": "SELECT", "general": "SELECT, INSERT, DELETE"},
}
