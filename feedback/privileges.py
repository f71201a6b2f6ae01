"""What each runtime role may do to the tables of this room."""

GRANTS = {
    "feedback_feedback": {"all": "SELECT", "web": "SELECT, INSERT, UPDATE"},
    "feedback_lesson": {"all": "SELECT", "general": "INSERT"},
}
