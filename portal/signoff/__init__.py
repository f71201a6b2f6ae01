"""Immutable plans and the votes on them; freezes and the emergency stop."""
