"""What each runtime role may do to the tables of this room. A plan's content never changes.

Of the clusters only the general one votes, and a trigger lets it vote for machines with a certificate only. It also
ends what nobody signed in time, and revokes certificates, as every cluster may that sees one fail.
"""

MOVE = "UPDATE (status, status_at, void_reason)"
REVOKE = "UPDATE (revoked_at, revoke_reason, revoked_by)"
GRANTS = {
    "signoff_plan": {
        "all": "SELECT",
        "web": f"SELECT, INSERT, {MOVE}",
        "probe": f"SELECT, INSERT, {MOVE}",
        "execution": f"SELECT, {MOVE}",
        "general": f"SELECT, INSERT, {MOVE}",
    },
    "signoff_vote": {"all": "SELECT", "web": "SELECT, INSERT", "general": "SELECT, INSERT"},
    "signoff_certificate": {
        "all": "SELECT",
        "web": "SELECT, INSERT, UPDATE (plan_id, granted_at, revoked_at, revoke_reason, revoked_by)",
        "execution": f"SELECT, {REVOKE}",
        "general": f"SELECT, {REVOKE}",
    },
    "signoff_delegation": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE (revoked_at)"},
    "signoff_quorumrule": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "signoff_duty": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE, DELETE"},
    "signoff_watch": {"web": "SELECT, UPDATE (next_at)", "general": "SELECT, INSERT, UPDATE"},
    "signoff_freeze": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE (ended_by_id, ended_at)"},
    "signoff_stop": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE (released_by_id, released_at)"},
}
