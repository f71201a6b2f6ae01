"""Runbooks, and finding the ones that fit a ticket."""
