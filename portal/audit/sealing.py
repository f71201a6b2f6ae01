"""Leaves, trees, seals and checkpoints: the formats that prove what the trail said. No Django, no database.

    event       its columns but the body, which `body_digest` stands for          STAMPED
    leaf        SHA-256(0x00, "countersign.leaf/1", newline, JSON of the event)
    node        SHA-256(0x01, left, right)                                        RFC 6962; a node without sibling rises
    seal        "countersign.seal/1", newline, JSON of number, previous, ... root; its digest is SHA-256 of that text
    checkpoint  "countersign.checkpoint/1", newline, JSON of number, digest, sealed_at; signed with Ed25519

JSON has sorted keys, no spaces and UTF-8; times are UTC with microseconds (`2026-05-04T03:00:00.000000Z`); digests,
keys and signatures are lower-case hexadecimal. Every seal names the digest of the seal before it, so one signed
checkpoint vouches for everything up to it. Whoever has an event, its path and the signed seal needs neither the
database nor the other events. This module imports nothing but the standard library and `cryptography`: it can be given
away.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LEAF_VERSION = "countersign.leaf/1"
SEAL_VERSION = "countersign.seal/1"
CHECKPOINT_VERSION = "countersign.checkpoint/1"
PROOF_VERSION = "countersign.proof/1"
NOTHING = "0" * 64
"""What the first seal names as the digest before it."""
STAMPED = (
    "id", "at", "kind", "door", "actor_kind", "actor_id", "actor_name", "subject_kind", "subject_id", "subject_name",
    "ticket_id", "ticket_key", "body_digest", "xid", "recorded_at", "written_by",
)  # fmt: skip
"""The columns of an event that its leaf covers."""


@dataclass(frozen=True, slots=True)
class SealText:
    """What a seal says: `size` events of the transactions below `until_xid` that no earlier seal has, as one root.

    `open_xids` are the transactions below `until_xid` that were still running: their events come in a later seal.
    """

    number: int
    previous: str
    until_xid: int
    open_xids: tuple[int, ...]
    size: int
    root: str
    sealed_at: str

    def text(self) -> str:
        """The canonical text."""
        return _canonical(SEAL_VERSION, {name: getattr(self, name) for name in self.__slots__})

    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def signed(self, key: Ed25519PrivateKey) -> Checkpoint:
        """The checkpoint that vouches for this seal."""
        text = _checkpoint_text(self.number, self.digest(), self.sealed_at)
        return Checkpoint(self.number, self.digest(), self.sealed_at, public_key_of(key), key.sign(text.encode()).hex())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The digest of a seal, the public key of who vouches for it, and the signature."""

    number: int
    digest: str
    sealed_at: str
    key: str
    signature: str

    def is_genuine(self) -> bool:
        """Whether the holder of `key` signed this. Whether the key is the right one is the reader's question."""
        text = _checkpoint_text(self.number, self.digest, self.sealed_at)
        try:
            Ed25519PublicKey.from_public_bytes(from_hex(self.key)).verify(from_hex(self.signature), text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def moment(at: datetime) -> str:
    """A time as leaves and seals write it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def leaf_of(event: Mapping[str, Any]) -> bytes:
    """The leaf of an event; times are texts already, and what is not STAMPED does not count."""
    return _hash(b"\x00", _canonical(LEAF_VERSION, {name: event[name] for name in STAMPED}).encode())


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree over at least one leaf, level by level: the leaves first, the root alone in the last."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        levels.append(_level_above(levels[-1]))
    return levels


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over at least one leaf."""
    return levels_of(leaves)[-1][0]


def path_in(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The siblings that lead from the leaf at `index` to the root of a tree, from the bottom up."""
    path = []
    for level in levels:
        if (sibling := index ^ 1) < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def root_by(path: Sequence[bytes], *, leaf: bytes, index: int, size: int) -> bytes | None:
    """The root that a leaf and its path lead to in a tree of `size` leaves; None when the path has another length."""
    node, rest = leaf, list(path)
    if not 0 <= index < size:
        return None
    while size > 1:
        if (sibling := index ^ 1) < size:
            if not rest:
                return None
            beside = rest.pop(0)
            node = _hash(b"\x01", beside, node) if sibling < index else _hash(b"\x01", node, beside)
        index, size = index // 2, (size + 1) // 2
    return None if rest else node


def private_key(text: str) -> Ed25519PrivateKey:
    """The signing key behind SEAL_KEY: 32 bytes in base64url. Raises ValueError."""
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4)))


def public_key_of(key: Ed25519PrivateKey) -> str:
    """The public half."""
    return key.public_key().public_bytes_raw().hex()


def from_hex(text: str) -> bytes:
    """The bytes behind lower-case hexadecimal, of which each text has one spelling. Raises ValueError."""
    if (found := bytes.fromhex(text)).hex() != text:
        raise ValueError("not lower-case hexadecimal")
    return found


def faults_of(proof: Mapping[str, Any], *, keys: frozenset[str]) -> Iterator[str]:
    """What does not fit in a proof (see `portal.audit.proofs`), checked against the public keys that the reader trusts.

    A proof is `{"version", "seals": [...], "events": [...]}`. A seal has the fields of SealText, `key` and `signature`;
    an event has the columns of STAMPED, `body` (null once retention dropped it), `seal`, `index` and `path`.
    """
    if proof["version"] != PROOF_VERSION:
        yield f"This is not a {PROOF_VERSION}."
        return
    seals = {seal["number"]: seal for seal in proof["seals"]}
    for seal in proof["seals"]:
        yield from _faults_of_seal(seal, keys)
    for event in proof["events"]:
        yield from _faults_of_event(event, seals.get(event["seal"]))


def seal_text(seal: Mapping[str, Any]) -> SealText:
    """The seal that a proof spells out."""
    return SealText(**{**{name: seal[name] for name in SealText.__slots__}, "open_xids": tuple(seal["open_xids"])})


def _faults_of_seal(seal: Mapping[str, Any], keys: frozenset[str]) -> Iterator[str]:
    if seal["key"] not in keys:
        yield f"Seal {seal['number']} is signed with a key that is not trusted: {seal['key']}."
    text = seal_text(seal)
    checkpoint = Checkpoint(text.number, text.digest(), text.sealed_at, seal["key"], seal["signature"])
    if not checkpoint.is_genuine():
        yield f"The signature under seal {seal['number']} is not right."


def _faults_of_event(event: Mapping[str, Any], seal: Mapping[str, Any] | None) -> Iterator[str]:
    if seal is None:
        yield f"The seal of event {event['id']} is missing."
        return
    if _root_of_event(event, seal["size"]) != seal["root"]:
        yield f"Event {event['id']} is not what seal {seal['number']} covers."
    body = event["body"]
    if body is not None and hashlib.sha256(body.encode()).hexdigest() != event["body_digest"]:
        yield f"The body of event {event['id']} is not what was recorded."


def _root_of_event(event: Mapping[str, Any], size: int) -> str | None:
    try:
        path = [from_hex(node) for node in event["path"]]
    except ValueError:
        return None
    root = root_by(path, leaf=leaf_of(event), index=event["index"], size=size)
    return root.hex() if root else None


def _level_above(level: list[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    return [*(_hash(b"\x01", left, right) for left, right in pairs), *level[len(level) & ~1 :]]


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _checkpoint_text(number: int, digest: str, sealed_at: str) -> str:
    return _canonical(CHECKPOINT_VERSION, {"number": number, "digest": digest, "sealed_at": sealed_at})


def _canonical(version: str, data: Mapping[str, Any]) -> str:
    return f"{version}\n{json.dumps(data, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"
