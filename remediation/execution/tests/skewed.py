"""The product's settings on a host whose clock is wrong by CLOCK_SKEW_SECONDS."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from django.utils import timezone

from portal.settings import *  # noqa: F403

_SKEW, _now = timedelta(seconds=float(os.environ.get("CLOCK_SKEW_SECONDS", "0"))), timezone.now


def _wrong() -> datetime:
    return _now() + _SKEW


timezone.now = _wrong
