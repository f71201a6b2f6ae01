"""What each runtime role may do to the tables of this room. Occurrences are added and read, never changed."""

GRANTS = {
    "patterns_pattern": {"all": "SELECT", "drafting": "SELECT, INSERT, UPDATE", "general": "SELECT, INSERT, UPDATE"},
    "patterns_exemplar": {"all": "SELECT", "drafting": "SELECT, INSERT", "general": "SELECT, INSERT"},
    "patterns_occurrence": {"all": "SELECT", "drafting": "SELECT, INSERT", "general": "SELECT, INSERT"},
}
