"""What each runtime role may do to the tables of this room: add and read."""

GRANTS = {
    "review_gateresult": {"all": "SELECT, INSERT", "execution": "SELECT"},
    "review_tick": {"all": "SELECT", "web": "SELECT, INSERT"},
    "review_objection": {"all": "SELECT", "web": "SELECT, INSERT"},
}
