"""What the lab noted of the requests it received: the witness that no row of the product can gainsay."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from django.conf import settings


def ledger() -> list[dict[str, Any]]:
    """Every line of the lab's ledger."""
    headers = {"Authorization": f"Bearer {os.environ.get('LAB_ADMIN_TOKEN', '')}"}
    request = urllib.request.Request(f"{settings.LAB_URL}/lab/ledger", headers=headers)  # noqa: S310 - the lab's own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        lines: list[dict[str, Any]] = json.load(answer)["lines"]
    return lines


def requests() -> list[dict[str, Any]]:
    """Every write request received, in order."""
    return [line for line in ledger() if "carried_out" not in line]
