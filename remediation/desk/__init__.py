"""Joined reads: the queue, the ticket page, the ticket API."""
