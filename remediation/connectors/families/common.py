"""What the families share: field types with limits, and the probe for a backup. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from pydantic_core import PydanticCustomError

from remediation.connectors.operations import Expectation, Probe, Relation, Scalar

DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
PodName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
SystemName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?$")]
InterfaceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z-]{1,30}[0-9]{1,3}(/[0-9]{1,3}){0,3}$")]
ImageName = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9][a-z0-9._/-]{0,200}(:[A-Za-z0-9][A-Za-z0-9._-]{0,127})(@sha256:[0-9a-f]{64})?$"
    ),
]

RECENTLY = 300
"""Seconds. A restart is proven by a start younger than this, so the pre-flight refuses one that already is."""

DAY = 24 * 60
"""Minutes. A backup older than this does not count as one."""


def expect(field: str, relation: Relation, value: Scalar) -> Expectation:
    """One expectation, in the order in which it is read aloud."""
    return Expectation(field, relation, value)


def recent_backup(target: str) -> Probe:
    """The target, or the configuration that would rebuild it, was saved within the last day."""
    return Probe(
        "latest_backup",
        {"target": target},
        (expect("exists", "equals", True), expect("age_minutes", "at_most", DAY)),
        f"A backup of {target} is less than a day old.",
    )


def grown(value: int, *, since: int | None, factor: int) -> int:
    """A new size that is larger than the present one, and at most `factor` times as large."""
    if since is None:
        return value  # the present size is itself wrong and is refused by name
    if value <= since:
        raise PydanticCustomError("not_larger", "must be larger than the present {since}", {"since": since})
    if value > since * factor:
        raise PydanticCustomError(
            "grows_too_much",
            "must be at most {factor} times the present {since}",
            {"factor": factor, "since": since},
        )
    return value


def changed(value: str | int, *, since: str | int | None) -> None:
    """A new value that differs from the present one; the same value would prove nothing."""
    if value == since:
        raise PydanticCustomError("not_different", "must differ from the present {since}", {"since": since})
