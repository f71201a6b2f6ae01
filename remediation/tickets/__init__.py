"""Incident tickets and the evidence that came with them."""
