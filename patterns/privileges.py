"""What each runtime role may do to the tables of this room. Occurrences are added and read, never changed.

Drafting places a ticket and counts it. What people said and how runs ended is the general cluster's to add (a row
policy in the migrations), and so are the figures.
"""

GRANTS = {
    "patterns_pattern": {
        "all": "SELECT",
        "drafting": "SELECT, INSERT, UPDATE (occurrences)",
        "general": "SELECT, UPDATE",
    },
    "patterns_exemplar": {"all": "SELECT", "drafting": "SELECT, INSERT"},
    "patterns_occurrence": {"all": "SELECT", "drafting": "SELECT, INSERT", "general": "SELECT, INSERT"},
}
