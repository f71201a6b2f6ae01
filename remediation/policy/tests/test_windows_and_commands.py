"""The hours of a policy on the wall clock, and the commands that it forbids."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.policy.facts import EVERY_DAY
from remediation.policy.forbidden import forbidden_in
from remediation.policy.windows import is_open

BERLIN = "Europe/Berlin"
NIGHT = (time(22), time(6))
MORNING = (time(8), time(12))
MONDAY, FRIDAY, SATURDAY = frozenset({0}), frozenset({4}), frozenset({5})


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold)


@pytest.mark.parametrize(
    ("at", "hours", "zone", "days", "expected"),
    [
        # 2026-11-20 is a Friday.
        (_utc("2026-11-20 08:00"), MORNING, "UTC", EVERY_DAY, True),
        (_utc("2026-11-20 07:59:59"), MORNING, "UTC", EVERY_DAY, False),
        (_utc("2026-11-20 11:59:59"), MORNING, "UTC", EVERY_DAY, True),
        (_utc("2026-11-20 12:00"), MORNING, "UTC", EVERY_DAY, False),
        (_utc("2026-11-20 07:00"), MORNING, BERLIN, EVERY_DAY, True),
        (_utc("2026-07-20 06:00"), MORNING, BERLIN, EVERY_DAY, True),
        (_utc("2026-07-20 11:00"), MORNING, BERLIN, EVERY_DAY, False),
        (_utc("2026-11-20 23:00"), NIGHT, "UTC", FRIDAY, True),
        (_utc("2026-11-21 05:59"), NIGHT, "UTC", FRIDAY, True),
        (_utc("2026-11-21 06:00"), NIGHT, "UTC", FRIDAY, False),
        (_utc("2026-11-21 22:00"), NIGHT, "UTC", FRIDAY, False),
        (_utc("2026-11-20 05:00"), NIGHT, "UTC", FRIDAY, False),
        (_utc("2026-11-21 05:00"), NIGHT, "UTC", SATURDAY, False),
        (_utc("2026-11-22 05:00"), NIGHT, "UTC", SATURDAY, True),
        (_utc("2026-11-22 23:30"), NIGHT, BERLIN, MONDAY, False),
        (_utc("2026-11-23 21:30"), NIGHT, BERLIN, MONDAY, True),
        (_utc("2026-11-20 03:00"), None, "UTC", FRIDAY, True),
        (_utc("2026-11-20 23:59:59"), None, "UTC", FRIDAY, True),
        (_utc("2026-11-21 00:00"), None, "UTC", FRIDAY, False),
        (_utc("2026-11-20 23:30"), None, BERLIN, FRIDAY, False),
        (_utc("2026-11-20 12:00"), None, "UTC", frozenset(), False),
        (_utc("2026-11-20 12:00"), (time(10), time(10)), "UTC", FRIDAY, True),
        (_utc("2026-11-21 09:59"), (time(10), time(10)), "UTC", FRIDAY, True),
        (_utc("2026-11-21 10:00"), (time(10), time(10)), "UTC", FRIDAY, False),
        # Clocks go from 02:00 to 03:00 on Sunday 2026-03-29 and from 03:00 back to 02:00 on Sunday 2026-10-25.
        (_utc("2026-03-29 00:59"), NIGHT, BERLIN, SATURDAY, True),
        (_utc("2026-03-29 01:00"), NIGHT, BERLIN, SATURDAY, True),
        (_utc("2026-03-29 03:59"), NIGHT, BERLIN, SATURDAY, True),
        (_utc("2026-03-29 04:00"), NIGHT, BERLIN, SATURDAY, False),
        (_utc("2026-03-29 01:15"), (time(2), time(3)), BERLIN, EVERY_DAY, False),
        (_berlin("2026-10-25 02:30", fold=0), (time(2), time(3)), BERLIN, EVERY_DAY, True),
        (_berlin("2026-10-25 02:30", fold=1), (time(2), time(3)), BERLIN, EVERY_DAY, True),
        (_utc("2026-10-25 04:59"), NIGHT, BERLIN, SATURDAY, True),
        (_utc("2026-10-25 05:00"), NIGHT, BERLIN, SATURDAY, False),
        (_utc("2026-10-25 20:30"), NIGHT, BERLIN, SATURDAY, False),
    ],
)
def test_a_window_is_what_the_clock_on_the_wall_says(
    at: datetime, hours: tuple[time, time] | None, zone: str, days: frozenset[int], *, expected: bool
) -> None:
    assert is_open(at, hours, zone, days) is expected


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
hours_of_day = st.times().map(lambda hour: hour.replace(tzinfo=None))
zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"])


@given(moments, hours_of_day, hours_of_day, zones, st.frozensets(st.integers(0, 6)))
def test_a_window_and_its_complement_share_out_the_week(
    at: datetime, start: time, end: time, zone: str, days: frozenset[int]
) -> None:
    if start == end:
        return
    inside, outside = is_open(at, (start, end), zone, EVERY_DAY), is_open(at, (end, start), zone, EVERY_DAY)
    assert inside != outside
    open_on_some = is_open(at, (start, end), zone, days)
    assert open_on_some <= inside
    assert (open_on_some or is_open(at, (start, end), zone, EVERY_DAY - days)) == inside


@given(moments, hours_of_day, hours_of_day, zones)
def test_every_zone_sees_the_same_instant(at: datetime, start: time, end: time, zone: str) -> None:
    elsewhere = at.astimezone(ZoneInfo("Asia/Tokyo")) + timedelta()
    assert is_open(at, (start, end), zone, EVERY_DAY) == is_open(elsewhere, (start, end), zone, EVERY_DAY)


@pytest.mark.parametrize(
    ("command", "entry", "found"),
    [
        ("rm -rf /var/log", "rm -rf", True),
        ("rm -fr /var/log", "rm -rf", True),
        ("rm -r -f /var/log", "rm -rf", True),
        ("rm -rvf x", "rm -rf", True),
        ("sudo /bin/rm -rf x", "rm -rf", True),
        ("RM -RF x", "rm -rf", True),
        ("r\\m -r'f' x", "rm -rf", True),
        ("echo $(rm -rf x)", "rm -rf", True),
        ("true;rm -rf x", "rm -rf", True),
        ("find /tmp | xargs rm -rf", "rm -rf", True),
        ("rm x", "rm -rf", False),
        ("rm -f x", "rm -rf", False),
        ("confirm -rf x", "rm -rf", False),
        ("rmdir -rf x", "rm -rf", False),
        ("mkfs.ext4 /dev/sdb", "mkfs*", True),
        ("mkfs.ext4 /dev/sdb", "mkfs", False),
        ("/sbin/mkfs.xfs /dev/sdb", "mkfs*", True),
        ("dd if=/dev/zero of=/dev/sda", "dd", True),
        ("git add .", "dd", False),
        ("dd if=/dev/zero of=/dev/sda", "dd of", True),
        ('psql -c "DROP TABLE orders"', "drop table", True),
        ("psql -c 'drop   table orders'", "drop table", True),
        ("psql -c 'select 1'", "drop table", False),
        ("kubectl -n shop delete deployment/cart --now", "kubectl delete", True),
        ("kubectl get pods", "kubectl delete", False),
        ("kubectl delete pod x --force --grace-period=0", "kubectl delete --force", True),
        ("kubectl delete pod x", "kubectl delete --force", False),
        ("find / -delete", "find -delete", True),
        ("find / -name delta -type f -empty", "find -delete", False),
        ("shutdown -h now", "shutdown", True),
        ("/usr/local/bin/evil --now", "/usr/local/bin/evil", True),
        ("reboot", "", False),
        ("", "reboot", False),
    ],
)
def test_a_forbidden_command_is_found_in_its_disguises(command: str, entry: str, *, found: bool) -> None:
    assert bool(forbidden_in([command], [entry])) is found


def test_every_finding_names_the_command_and_the_entry() -> None:
    found = forbidden_in(["reboot now", "ls", "rm -rf /"], ["rm -rf", "reboot"])
    assert found == [("reboot now", "reboot"), ("rm -rf /", "rm -rf")]


@given(st.text(), st.text())
def test_any_text_may_be_asked_about(command: str, entry: str) -> None:
    forbidden_in([command], [entry])
