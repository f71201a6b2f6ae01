"""Runs exactly what was signed: intent, action, outcome, verify, rollback."""
