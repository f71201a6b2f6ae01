"""Commands that run the worker clusters."""
