"""Fixtures and helpers for tests of every room."""
