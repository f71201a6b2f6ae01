"""The job ledger and the worker clusters; the only room that knows django-q2."""
