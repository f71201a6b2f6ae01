"""One more host of execution workers: `python -m portal.dashboard.chaos.host --skew 30`, its clock ahead of all others.

The clock is the one that the product asks, Django's; the database's own is what leases are compared by.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta

from django.core.management import execute_from_command_line
from django.utils import timezone


def main() -> None:
    """`manage.py workers execution` under a clock that is wrong."""
    parser = argparse.ArgumentParser(prog="host", description=__doc__)
    parser.add_argument("--skew", type=float, default=0.0)
    options, rest = parser.parse_known_args()
    skew, right = timedelta(seconds=options.skew), timezone.now

    def wrong() -> datetime:
        return right() + skew

    timezone.now = wrong
    execute_from_command_line([sys.argv[0], "workers", "execution", *rest])


if __name__ == "__main__":
    main()
