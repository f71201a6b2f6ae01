"""Dataclasses become what they say, down to the last one inside."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import time

from portal.kit import canonical
from portal.kit.plain import data_of


@dataclass(frozen=True)
class Inner:
    name: str
    at: tuple[int, ...]


@dataclass(frozen=True)
class Outer:
    rows: tuple[Inner, ...]
    by_name: dict[str, Inner]
    edge: time | None = None


def test_plain_data_says_what_the_dataclass_says() -> None:
    one = Inner("one", (1, 2))
    whole = Outer((one, Inner("two", ())), {"one": one}, time(8))

    assert data_of(whole) == {
        "rows": [{"name": "one", "at": [1, 2]}, {"name": "two", "at": []}],
        "by_name": {"one": {"name": "one", "at": [1, 2]}},
        "edge": time(8),
    }


def test_its_canonical_text_is_the_same_as_that_of_the_copies() -> None:
    whole = Outer((Inner("one", (1, 2)),), {"one": Inner("e\u0301", ())})
    assert canonical.text_of(data_of(whole), version="x/1") == canonical.text_of(asdict(whole), version="x/1")
