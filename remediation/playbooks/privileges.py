"""What each runtime role may do to the tables of this room. The execution cluster plays; the others read.

`web` asks for a proof when it keeps the last signature of a merge plan, and can say of none that it held: a proof
begins as asked, and only `execution` writes what it showed, once. `general` ends proofs that lost their worker.
`execution` asks for a pull request, or takes it back; only `general`, which has the forge's credential, writes what
became of it, and what the role repository holds.
"""

ENDS = "SELECT, UPDATE (status, status_at, says, fence)"
ASKS = "SELECT, INSERT, UPDATE (status, status_at, detail)"
GRANTS = {
    "playbooks_proof": {
        "all": "SELECT",
        "web": f"{ENDS}, INSERT",
        "execution": "SELECT, INSERT, UPDATE (status, status_at, says, fence, text, digest)",
        "general": ENDS,
    },
    "playbooks_play": {
        "all": "SELECT",
        "execution": "SELECT, INSERT, UPDATE (status, says, before, beat_at, ended_at, settled_at)",
    },
    "playbooks_playevent": {"all": "SELECT", "execution": "SELECT, INSERT"},
    "playbooks_fence": {"all": "SELECT", "execution": "SELECT, INSERT, UPDATE"},
    "playbooks_pullrequest": {
        "all": "SELECT",
        "web": ASKS,
        "probe": ASKS,
        "execution": ASKS,
        "general": f"{ASKS}, UPDATE (branch, base_commit, head_commit, seen_commit, forge_number, url, merged_commit, "
        "merged_digest, merged_by, merged_at, opened_at, checked_at)",
    },
    "playbooks_requestcomment": {"all": "SELECT", "general": "SELECT, INSERT"},
    "playbooks_repositorystate": {"all": "SELECT", "general": "SELECT, INSERT, UPDATE (commit, looked_at, says)"},
    "playbooks_mergedrole": {"all": "SELECT", "general": "SELECT, INSERT, UPDATE, DELETE"},
    "playbooks_managed": {"all": "SELECT", "general": "SELECT, INSERT, DELETE"},
}
