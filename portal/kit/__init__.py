"""Shared small pieces without models: refusals, canonical text, redaction, pages, problems, template tags."""
