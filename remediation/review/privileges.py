"""What each runtime role may do to the tables of this room: add and read. Gates run on the probe cluster only.

Sheets that nobody signed go after a while; a trigger keeps the others from whoever may delete.
"""

GRANTS = {
    "review_gateresult": {"all": "SELECT", "probe": "SELECT, INSERT"},
    "review_tick": {"all": "SELECT", "web": "SELECT, INSERT"},
    "review_objection": {"all": "SELECT", "web": "SELECT, INSERT"},
    "review_remark": {"all": "SELECT", "web": "SELECT, INSERT"},
    "review_comment": {"all": "SELECT", "web": "SELECT, INSERT"},
    "review_take": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE (released_at)"},
    "review_look": {"all": "SELECT", "probe": "SELECT, INSERT", "execution": "SELECT, INSERT"},
    "review_sheet": {"all": "SELECT", "web": "SELECT, INSERT", "general": "SELECT, DELETE"},
}
