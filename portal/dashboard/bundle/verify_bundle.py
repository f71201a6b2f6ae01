"""Checks an incident bundle of Countersign, without Countersign: Python 3.11 and `cryptography` are all it needs.

    python verify_bundle.py INC-1.zip --key KEY

KEY is the public seal key of the installation in hexadecimal, or a file with one key a line. Have it from somebody you
trust, and this program from the project itself: a copy travels in every bundle, and a forger would send both changed.
Nothing is unpacked and nothing is written. Says in words what was checked and what does not fit; ends with 0 if
everything fits, else with 1. docs/incident-bundle.md describes the files.
"""

from __future__ import annotations

import argparse
import binascii
import hashlib
import json
import re
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

VERSION = "countersign.bundle/1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LARGEST = 512 * 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
LOCAL, CENTRAL, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
MADE_BY, NEEDS, NEW_YEAR, READABLE = 3 << 8 | 20, 20, 33, 0o644 << 16
STAMPED = (
    "id", "at", "kind", "door", "actor_kind", "actor_id", "actor_name", "subject_kind", "subject_id", "subject_name",
    "ticket_id", "ticket_key", "body_digest", "xid", "recorded_at", "written_by",
)  # fmt: skip
SEALED = ("number", "previous", "until_xid", "open_xids", "size", "root", "sealed_at")
SIGNED, HARMLESS = ("signed", "claimed"), ("read_only", "safe_write")
OF_DRAFTS = ("merge", "rollout")
VOTE = ("plan_id", "person_id", "digest", "sheet", "certificate_id")
CLUSTERS = tuple(f"countersign_{name}" for name in ("drafting", "probe", "execution", "general"))
NO_KEY = """
NO KEY WAS GIVEN: the bundle was checked against the key that it names itself. That shows that it is whole, and not who
made it: anybody can make a whole bundle. Ask for the public seal key of the installation and give it by --key."""
Row = Mapping[str, Any]
Faults = Iterator[str]
Checks = Sequence[tuple[str, Callable[["Bundle"], Faults]]]


class NotABundle(Exception):
    """The file cannot be read as a bundle at all."""


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """The one zip that holds these files: stored, sorted, without dates. No byte can hide in it."""
    parts, entries, offset = [], [], 0
    for name in sorted(files):
        data, path = files[name], name.encode("ascii")
        stamp = (0, 0, 0, NEW_YEAR, binascii.crc32(data), len(data), len(data), len(path))
        local = LOCAL.pack(b"PK\x03\x04", NEEDS, *stamp, 0) + path
        entries.append(CENTRAL.pack(b"PK\x01\x02", MADE_BY, NEEDS, *stamp, 0, 0, 0, 0, READABLE, offset) + path)
        parts += [local, data]
        offset += len(local) + len(data)
    directory = b"".join(entries)
    end = END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), offset, 0)
    return b"".join([*parts, directory, end])


def files_of(data: bytes) -> dict[str, bytes]:
    """The files of a zip that `zip_of` wrote; any other is refused, so nothing is ever inflated or unpacked."""
    files: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + LOCAL.size <= len(data):
        *_, size, name_size, _ = LOCAL.unpack_from(data, at)
        start = at + LOCAL.size + name_size
        name = data[at + LOCAL.size : start].decode("ascii", "replace")
        if not NAME.fullmatch(name):
            raise NotABundle(f"It holds a file called {name[:80]!r}, which no bundle does.")
        if name in files:
            raise NotABundle(f"It holds {name} twice.")
        files[name], at = data[start : start + size], start + size
    if not files or zip_of(files) != data:
        raise NotABundle("The zip is not written as bundles are: it was changed, repacked or cut off.")
    return files


@dataclass(frozen=True)
class Bundle:
    """The files of a bundle, the public keys that its reader trusts, and what there is to say beside faults."""

    files: Mapping[str, bytes]
    keys: frozenset[str]
    notes: list[str] = field(default_factory=list)

    def read(self, name: str) -> Any:
        """What a JSON file says."""
        return json.loads(self.files[f"{name}.json"])

    def trusts(self, key: str) -> bool:
        """Whether a key is one that the reader gave; who gave none takes the bundle's own."""
        return key in self.keys if self.keys else key == self.read("manifest")["key"]

    def by_id(self, name: str) -> dict[int, Row]:
        """The rows of a JSON file by their ids."""
        return {row["id"]: row for row in self.read(name)}

    def votes_on(self, plan: Row) -> list[Row]:
        """The votes on one plan."""
        return [vote for vote in self.read("votes") if vote["plan_id"] == plan["id"]]

    def told(self, kind: str) -> list[tuple[Row, Row]]:
        """Events of a kind, each with the data in its body; bodies that retention dropped tell nothing."""
        events = self.read("trail")["events"]
        return [(event, said(event["body"])) for event in events if event["kind"] == kind and event["body"]]


def said(text: str) -> Any:
    """The data of a canonical text: a line that names its schema, then JSON."""
    return json.loads(text.partition("\n")[2])


def digest_of(text: str | bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def is_signed(text: bytes, *, key: str, signature: str) -> bool:
    """Whether the holder of this public key signed this text. Keys and signatures have one spelling: lower case."""
    try:
        raw_key, raw_signature = bytes.fromhex(key), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(raw_key).verify(raw_signature, text)
    except (InvalidSignature, ValueError):
        return False
    return (raw_key.hex(), raw_signature.hex()) == (key, signature)


def manifest_faults(bundle: Bundle) -> Faults:
    """Nothing missing, nothing added, nothing changed."""
    manifest, files = bundle.read("manifest"), bundle.files.items()
    if manifest["version"] != VERSION:
        yield f"This program reads {VERSION}, not {manifest['version']}."
    listed = {name: (each["sha256"], each["size"]) for name, each in manifest["files"].items()}
    found = {name: (digest_of(data), len(data)) for name, data in files if name not in (MANIFEST, SIGNATURE)}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            yield f"{name} {'is missing' if name not in found else 'was changed' if name in listed else 'was added'}."


def signature_faults(bundle: Bundle) -> Faults:
    """The manifest is signed with a key that the reader trusts."""
    key = bundle.read("manifest")["key"]
    if not bundle.trusts(key):
        yield f"The bundle says that it is signed with another key: {key}."
    if not is_signed(bundle.files[MANIFEST], key=key, signature=bundle.files[SIGNATURE].decode("ascii", "replace")):
        yield "The signature under the manifest is not right."


def plan_faults(bundle: Bundle) -> Faults:
    """A plan is called by the digest of its text, and its columns say what the text says."""
    for plan in bundle.read("plans"):
        content = said(plan["content"])
        if digest_of(plan["content"]) != plan["digest"]:
            yield f"The text of plan {plan['id']} is not the one that was signed."
        if content.get("stage", plan["stage"]) != plan["stage"]:
            yield f"Plan {plan['id']} is kept as {plan['stage']}, its text says {content['stage']}."
        if not set(content.get("makers", plan["makers"])) == set(plan["makers"]) <= set(plan["excluded"]):
            yield f"Plan {plan['id']} lets somebody vote who made it."
        yield from _stage_faults(bundle, plan, content)


def _stage_faults(bundle: Bundle, plan: Row, content: Row) -> Faults:
    """A rollout plan is its merge plan once more."""
    if plan["stage"] != "rollout":
        return
    merge = bundle.by_id("plans").get(plan["merge_plan_id"])
    if merge is None or merge["stage"] != "merge" or content["merge_digest"] != merge["digest"]:
        yield f"Rollout plan {plan['id']} does not name the merge plan that it follows."
    elif content["steps"] != said(merge["content"])["steps"]:
        yield f"Rollout plan {plan['id']} has other steps than the merge plan that it follows."
    elif not _has_quorum(merge, bundle.votes_on(merge)):
        yield f"Rollout plan {plan['id']} follows a merge plan that was not signed."


def source_faults(bundle: Bundle) -> Faults:
    """Revisions and cited evidence are the ones that the plans name."""
    revisions = bundle.read("revisions")
    for revision in revisions:
        if digest_of(revision["content"]) != revision["digest"]:
            yield f"The text of revision {revision['number']} is not the one that was kept."
    evidence = bundle.read("ticket")["evidence"]
    cited = {piece["ref"]: digest_of(f"{piece['command']}\n{piece['text']}") for piece in evidence}
    for plan in bundle.read("plans"):
        if plan["stage"] not in OF_DRAFTS:
            continue
        content = said(plan["content"])
        if content["draft_digest"] not in {revision["digest"] for revision in revisions}:
            yield f"The revision that plan {plan['id']} was made of is missing."
        for ref, digest in content["evidence"]:
            if cited.get(ref) != digest:
                yield f"{ref} is not the evidence that plan {plan['id']} cites."


def vote_faults(bundle: Bundle) -> Faults:
    """A vote names the digest of its plan and the sheet its signer was shown; no maker votes, nobody votes twice."""
    people, plans = bundle.by_id("people"), bundle.by_id("plans")
    if any(vote["plan_id"] not in plans for vote in bundle.read("votes")):
        yield "There is a vote on a plan that is not here."
    for plan in plans.values():
        votes = bundle.votes_on(plan)
        barred = {*plan["excluded"], *said(plan["content"]).get("makers", ())}
        if len({vote["principal_id"] for vote in votes}) != len(votes):
            yield f"Somebody voted twice on plan {plan['id']}."
        for vote in votes:
            who = f"The vote of person {vote['person_id']} on plan {plan['id']}"
            if vote["digest"] != plan["digest"]:
                yield f"{who} names another text."
            if {vote["person_id"], vote["principal_id"]} & barred:
                yield f"{who} is by somebody who may not sign it: a maker, or a signer of the stage before."
            if vote["sheet"] and not _shows(bundle, vote["sheet"], plan):
                yield f"{who} names a sheet that does not show this plan."
            if vote["at"] >= plan["valid_until"]:
                yield f"{who} came when the plan had expired."
            if people[vote["person_id"]]["kind"] == "machine":
                yield from _machine_faults(bundle, plan, vote, who)


def _shows(bundle: Bundle, digest: str, plan: Row) -> bool:
    """Whether there is such a sheet and it shows this plan: a page its digest, the API its text."""
    page, document = (bundle.files.get(f"sheets/{digest}.{ending}", b"") for ending in ("html", "txt"))
    if digest_of(page or document) != digest:
        return False
    return f">{plan['digest']}<".encode() in page if page else said(document.decode())["content"] == plan["content"]


def _machine_faults(bundle: Bundle, plan: Row, vote: Row, who: str) -> Faults:
    """A machine signs under a certificate that two people granted and nobody has revoked; never what is critical."""
    certificate = bundle.by_id("certificates").get(vote["certificate_id"])
    if certificate is None or certificate["granted_at"] is None:
        yield f"{who} is a machine's, without a certificate."
        return
    revoked_at = certificate["revoked_at"] or vote["expires_at"]
    if not certificate["granted_at"] <= vote["at"] < min(certificate["expires_at"], revoked_at):
        yield f"{who} is a machine's, under a certificate that was not in force."
    grant = bundle.by_id("plans").get(certificate["plan_id"], {"stage": "", "subject_id": None})
    is_its_own = (grant["stage"], grant["subject_id"]) == ("grant", certificate["id"])
    if not is_its_own or not _has_quorum(grant, bundle.votes_on(grant)):
        yield f"{who} is a machine's, under a certificate that nobody granted."
    if plan["risk"] not in HARMLESS:
        yield f"{who} is a machine's, and the plan is critical."


def quorum_faults(bundle: Bundle) -> Faults:
    """What counts as signed has the votes it needs, from the groups it needs them from."""
    for plan in bundle.read("plans"):
        if plan["status"] in SIGNED and not _has_quorum(plan, bundle.votes_on(plan)):
            yield f"Plan {plan['id']} is kept as {plan['status']}, and has not the votes it needs."


def _has_quorum(plan: Row, votes: Sequence[Row]) -> bool:
    """Whether enough votes counted when it was signed, or claimed. Times are texts of one form, so they compare."""
    moment = plan["status_at"] if plan["status"] in SIGNED else max((vote["at"] for vote in votes), default="")
    begins = "runs_from" if plan["status"] == "claimed" else "at"
    counted = [vote for vote in votes if max(vote["at"], vote[begins] or "") <= moment < vote["expires_at"]]
    groups = {group for vote in counted for group in vote["groups"]}
    needed = max(plan["needed"], said(plan["content"]).get("needed", 1))
    return len({vote["principal_id"] for vote in counted}) >= needed and groups >= {*plan["needed_groups"]}


def run_faults(bundle: Bundle) -> Faults:
    """What ran is what was signed: the steps of a signed rollout plan, each looked at before and after."""
    for run in bundle.read("runs"):
        plan = bundle.by_id("plans").get(run["plan_id"])
        if plan is None or plan["stage"] != "rollout" or plan["status"] != "claimed":
            yield f"Run {run['id']} followed no plan that was signed and claimed."
            continue
        content = said(plan["content"])
        planned, steps = content["steps"], run["steps"]
        if [step["number"] for step in steps] != [step["number"] for step in planned]:
            yield f"The steps of run {run['id']} are not the steps of its plan."
        if not {output["step_id"] for output in run["outputs"]} <= {step["id"] for step in steps}:
            yield f"Run {run['id']} did something at a step that its plan does not have."
        for step in steps:
            yield from _step_faults(run, step)
            is_gone = (run["status"], step["status"]) == ("succeeded", "skipped")
            if is_gone and not (_was_left_alone(run, planned, step) or _was_left_out(bundle, step)):
                yield f"Step {step['number']} of run {run['id']} was left out, and nobody signed that."
        if content.get("stages") and run["mode"] == "workers":
            yield from _wave_faults(run, content["stages"])


def _wave_faults(run: Row, stages: Row) -> Faults:
    """No wave begins before every signal was read after the one before, and held each time."""
    signals = {f"{signal['service']}: {signal['name']}" for signal in stages["signals"]}
    begun = {step["number"] for step in run["steps"] if step["intended_at"]}
    for before, wave in zip(stages["waves"], stages["waves"][1:], strict=False):
        readings = [reading for reading in run["readings"] if reading["wave"] == before["number"]]
        held = {reading["signal"] for reading in readings if reading["holds"]}
        if begun & {*wave["steps"]} and (held < signals or not all(reading["holds"] for reading in readings)):
            yield f"Wave {wave['number']} of run {run['id']} began although not every signal was seen to hold."


def _was_left_alone(run: Row, planned: Sequence[Row], step: Row) -> bool:
    """Whether the signed condition of the step, or of one before it on its target, was seen not to hold."""
    target = planned[step["number"] - 1].get("target")
    guarded = {each["number"] for each in planned if each.get("guard") and each["target"] == target}
    steps = {each["id"] for each in run["steps"] if each["number"] in guarded and each["number"] <= step["number"]}
    found = [output for output in run["outputs"] if output["phase"] == "guard" and output["step_id"] in steps]
    return any(output["is_good"] is False for output in found)


def _was_left_out(bundle: Bundle, step: Row) -> bool:
    """Whether people signed that this step is not done."""
    asked = [plan for plan in bundle.read("plans") if (plan["stage"], plan["subject_id"]) == ("skip", step["id"])]
    return any(plan["status"] == "claimed" and _has_quorum(plan, bundle.votes_on(plan)) for plan in asked)


def _step_faults(run: Row, step: Row) -> Faults:
    """Nothing is acted on before its pre-flight held; nothing is verified without a verify that held."""
    seen: set[str] = set()
    for output in run["outputs"]:
        if output["step_id"] != step["id"]:
            continue
        if output["phase"] == "action" and "preflight" not in seen:
            yield f"Step {step['number']} of run {run['id']} acted before its pre-flight held."
        seen |= {output["phase"]} if output["is_good"] else set()
    if step["status"] == "verified" and not {"verify", "probe"} & seen:
        yield f"Step {step['number']} of run {run['id']} is kept as verified, and no verify held."


def seal_faults(bundle: Bundle) -> Faults:
    """Every event is covered by a seal, and every seal is signed: what happened stands in the tamper-evident trail."""
    trail = bundle.read("trail")
    seals = {seal["number"]: seal for seal in trail["seals"]}
    if trail["unsealed"]:
        yield f"{len(trail['unsealed'])} events are covered by no seal."
    for seal in seals.values():
        text = _canonical("countersign.seal/1", {name: seal[name] for name in SEALED})
        tip = {"number": seal["number"], "digest": digest_of(text), "sealed_at": seal["sealed_at"]}
        checkpoint = _canonical("countersign.checkpoint/1", tip).encode()
        if not bundle.trusts(seal["key"]):
            yield f"Seal {seal['number']} is signed with another key: {seal['key']}."
        if not is_signed(checkpoint, key=seal["key"], signature=seal["signature"]):
            yield f"The signature under seal {seal['number']} is not right."
    for event in trail["events"]:
        seal = seals.get(event["seal"])
        if seal is None or _root_of(event, seal["size"]) != seal["root"]:
            yield f"Event {event['id']} is not covered by a seal."
        if event["body"] is not None and digest_of(event["body"]) != event["body_digest"]:
            yield f"The body of event {event['id']} is not what was recorded."


def _root_of(event: Row, size: int) -> str | None:
    """The root that an event and its path lead to, in a tree as in RFC 6962 where a node without sibling rises."""
    stamped = _canonical("countersign.leaf/1", {name: event[name] for name in STAMPED})
    node, index, path = hashlib.sha256(b"\x00" + stamped.encode()).digest(), event["index"], list(event["path"])
    if not 0 <= index < size:
        return None
    while size > 1:
        if (sibling := index ^ 1) < size:
            beside = bytes.fromhex(path.pop(0))
            pair = beside + node if sibling < index else node + beside
            node = hashlib.sha256(b"\x01" + pair).digest()
        index, size = index // 2, (size + 1) // 2
    return None if path else node.hex()


def _canonical(version: str, data: Row) -> str:
    return f"{version}\n{json.dumps(data, sort_keys=True, separators=(',', ':'), ensure_ascii=False)}"


def trail_faults(bundle: Bundle) -> Faults:
    """The sealed trail tells of the same plans, votes and steps as the tables that the bundle was made from."""
    events = bundle.read("trail")["events"]
    for event in events:
        if event["actor_kind"] == "human" and event["written_by"] in CLUSTERS:
            yield f"Event {event['id']} speaks of a person, and {event['written_by']} wrote it."
    if any(event["body"] is None for event in events):
        bundle.notes.append("Retention dropped bodies of events: what they told cannot be compared any more.")
        return
    opened = {(event["subject_id"], data["digest"]) for event, data in bundle.told("plan.opened")}
    for plan in bundle.read("plans"):
        if (plan["id"], plan["digest"]) not in opened:
            yield f"The trail does not tell that plan {plan['id']} was opened with this text."
    cast = {
        (event["subject_id"], event["actor_id"], data["digest"], data.get("sheet", ""), data.get("certificate"))
        for event, data in bundle.told("plan.signed")
    }
    kept = {tuple(_signer(vote)[name] for name in VOTE) for vote in bundle.read("votes")}
    yield from (f"The trail does not tell of the vote of person {each[1]} on plan {each[0]}." for each in kept - cast)
    yield from (f"A vote of person {each[1]} on plan {each[0]} is in the trail and gone." for each in cast - kept)
    ended = {event["subject_id"]: data["after"] for event, data in bundle.told("step.moved")}
    for run in bundle.read("runs"):
        for step in run["steps"]:
            if ended.get(step["id"], "pending") != step["status"]:
                yield f"The trail tells another end of step {step['number']} of run {run['id']}."


def _signer(vote: Row) -> Row:
    """A machine has no id of its own in the trail: its certificate speaks for it."""
    return {**vote, "person_id": None} if vote["certificate_id"] else vote


INTEGRITY: Checks = (
    ("The manifest names every file, and every file is as the manifest says", manifest_faults),
    ("The manifest is signed with the seal key", signature_faults),
)
CONTENT: Checks = (
    ("Every plan has the digest of its text; a rollout is what was merged", plan_faults),
    ("Revisions and evidence are those that the plans name", source_faults),
    ("Every vote names its plan's digest and a sheet that shows the plan; no maker voted", vote_faults),
    ("Every plan that counts as signed has the votes it needs", quorum_faults),
    ("Every run followed a signed plan, step by step", run_faults),
    ("Every event is covered by a signed seal of the audit trail", seal_faults),
    ("The audit trail tells the same as the files", trail_faults),
)


def verify(data: bytes, *, keys: frozenset[str], say: Callable[[str], object]) -> bool:
    """Check a bundle and say so in words; the content is looked at only once it is known to be what was signed."""
    try:
        bundle = Bundle(files_of(data), keys)
    except NotABundle as reason:
        say(f"FAIL  {reason}")
        return False
    say(f"ok    The zip holds {len(bundle.files)} files, each once, and not a byte beside them")
    fits = _all_fit(bundle, INTEGRITY, say) and _all_fit(bundle, CONTENT, say)
    for note in bundle.notes:
        say(f"note  {note}")
    return fits


def _all_fit(bundle: Bundle, checks: Checks, say: Callable[[str], object]) -> bool:
    fits = True
    for words, check in checks:
        try:
            faults = list(check(bundle))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            faults = [f"The files are not in the form of a bundle ({type(error).__name__}: {error})."]
        fits = fits and not faults
        say(f"FAIL  {words}: no" if faults else f"ok    {words}")
        for fault in faults:
            say(f"      - {fault}")
    return fits


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Checks an incident bundle of Countersign.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", default=[], help="public seal key, or a file of them; repeatable")
    options = parser.parse_args()
    if options.bundle.stat().st_size > LARGEST:
        parser.error("The file is larger than any bundle.")
    texts = [Path(each).read_text() if Path(each).is_file() else each for each in options.key]
    keys, say = frozenset(" ".join(texts).split()), print
    fits = verify(options.bundle.read_bytes(), keys=keys, say=say)
    if not keys:
        say(NO_KEY)
    say("\nEverything fits." if fits else "\nNOT EVERYTHING FITS. Do not rely on this bundle.")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
