"""From ticket to proven fix, one Django app per stage."""
