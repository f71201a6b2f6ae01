"""The formats of the proof: trees against the published vectors, paths and signatures as properties."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit import sealing
from portal.audit.sealing import Checkpoint, SealText

KEY = sealing.private_key(secrets.token_urlsafe(32))
SEAL = SealText(7, "ab" * 32, 1000, (990, 995), 3, "cd" * 32, "2026-05-04T03:00:00.000000Z")
LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)
VECTORS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {  # of certificate transparency, RFC 6962
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def event(**changes: Any) -> dict[str, Any]:
    names = {name: f"{name} ü" for name in sealing.STAMPED}
    return {**names, "id": 5, "actor_id": None, "subject_id": 4, "ticket_id": 9, "xid": 77, **changes}


@pytest.mark.parametrize("size", ROOTS)
def test_the_tree_is_that_of_rfc_6962(size: int) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(each)).digest() for each in VECTORS[:size]]
    assert sealing.root_of(leaves).hex() == ROOTS[size]


@given(LEAVES, st.data())
def test_every_leaf_finds_its_root_and_no_other_leaf_does(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = sealing.path_in(sealing.levels_of(leaves), index), sealing.root_of(leaves)
    assert sealing.root_by(path, leaf=leaves[index], index=index, size=len(leaves)) == root
    assert sealing.root_by(path, leaf=bytes(32), index=index, size=len(leaves)) != root or leaves[index] == bytes(32)
    assert sealing.root_by([*path, root], leaf=leaves[index], index=index, size=len(leaves)) is None
    assert sealing.root_by(path, leaf=leaves[index], index=len(leaves), size=len(leaves)) is None
    assert sealing.root_by(path[:-1], leaf=leaves[index], index=index, size=len(leaves)) is None or not path


@pytest.mark.parametrize("name", sealing.STAMPED)
def test_the_leaf_covers_every_column_but_the_body(name: str) -> None:
    assert sealing.leaf_of(event(**{name: 12345})) != sealing.leaf_of(event())
    assert sealing.leaf_of(event(body="dropped")) == sealing.leaf_of(event())


def test_the_leaf_of_an_event_is_spelt_out_in_one_place() -> None:
    assert sealing.leaf_of(event()).hex() == "58595c2389e30795cd87e9ac25a2144feae8504ae2cf52f1c7da32bbc3e0dd05"


@pytest.mark.parametrize("name", SealText.__slots__)
def test_the_checkpoint_vouches_for_all_that_a_seal_says(name: str) -> None:
    value: Any = getattr(SEAL, name)
    changed: Any = {name: value + 1 if isinstance(value, int) else value[:-1]}
    assert replace(SEAL, **changed).digest() != SEAL.digest()
    assert SEAL.signed(KEY).digest == SEAL.digest()


@pytest.mark.parametrize("name", Checkpoint.__slots__)
def test_a_signature_holds_for_one_checkpoint_and_one_key(name: str) -> None:
    checkpoint = SEAL.signed(KEY)
    assert checkpoint.is_genuine()
    value: Any = getattr(checkpoint, name)
    others = [value + 1] if isinstance(value, int) else [value[:-1], _other_begin(value), value.upper() + "x"]
    changed: list[Any] = others
    for each in changed:
        assert not replace(checkpoint, **{name: each}).is_genuine()


def _other_begin(value: str) -> str:
    """The text with two other letters at its begin; a signature may begin with any."""
    return ("01" if value.startswith("00") else "00") + value[2:]


def test_a_digest_has_one_spelling() -> None:
    checkpoint = SEAL.signed(KEY)
    for name in ("key", "signature"):
        shouted: Any = {name: getattr(checkpoint, name).upper()}
        assert not replace(checkpoint, **shouted).is_genuine()
    with pytest.raises(ValueError, match="hexadecimal"):
        sealing.from_hex("AB")


def test_a_time_is_written_in_one_way_whatever_its_zone() -> None:
    at = datetime(2026, 5, 4, 3, tzinfo=UTC)
    assert sealing.moment(at) == sealing.moment(at.astimezone(timezone(timedelta(hours=2))))
    assert sealing.moment(at) == "2026-05-04T03:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "short", "x" * 100])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sealing.private_key(text)
