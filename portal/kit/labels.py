"""What states, risks, severities and verdicts are called on a page, with a tone and an icon.

The words carry the meaning; tone and icon repeat it for the eye. A value nobody listed is shown as it is, so that a new
state never breaks a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "good", "warn", "bad", "info", "alarm"]


@dataclass(frozen=True, slots=True)
class Label:
    """How one value appears: its words, its tone and, where it helps, an icon of the sprite."""

    text: str
    tone: Tone = "plain"
    icon: str = ""


SEVERITIES: Mapping[str, Label] = {
    "critical": Label("Critical", "alarm", "alert-octagon"),
    "sev1": Label("SEV1", "alarm", "alert-octagon"),
    "high": Label("High", "warn", "alert-triangle"),
    "sev2": Label("SEV2", "warn", "alert-triangle"),
    "medium": Label("Medium"),
    "sev3": Label("SEV3"),
    "low": Label("Low"),
    "sev4": Label("SEV4"),
}

RISKS: Mapping[str, Label] = {
    "read_only": Label("Read only", "good", "eye"),
    "safe_write": Label("Safe write", "info", "pencil"),
    "critical_write": Label("Critical write", "bad", "alert-triangle"),
}

STATUSES: Mapping[str, Label] = {
    # ticket
    "processing": Label("Processing", "info", "loader-2"),
    "awaiting_review": Label("Awaiting review", "warn", "eye"),
    "awaiting_approval": Label("Awaiting approval", "warn", "user-check"),
    "resolved": Label("Resolved", "good", "circle-check"),
    "partially_remediated": Label("Partially remediated", "bad", "alert-triangle"),
    "closed": Label("Closed", "plain", "check"),
    # remediation
    "drafting": Label("Drafting", "info", "robot"),
    "in_review": Label("In review", "warn", "eye"),
    "approved_for_merge": Label("Merge signed off", "info", "user-check"),
    "proven": Label("Proven on the canary", "info", "flask"),
    "approved_for_rollout": Label("Rollout signed off", "good", "user-check"),
    "executing": Label("Executing", "info", "player-play"),
    "paused": Label("Paused", "warn", "player-pause"),
    "succeeded": Label("Succeeded", "good", "circle-check"),
    "rolled_back": Label("Rolled back", "warn", "arrow-back-up"),
    "failed": Label("Failed", "bad", "circle-x"),
    "needs_person": Label("Needs a person", "warn", "user"),
    "rejected": Label("Rejected", "bad", "shield-x"),
    "superseded": Label("Superseded", "plain", "history"),
    # run
    "running": Label("Running", "info", "player-play"),
    "watched": Label("Watched", "info", "eye"),
    # step
    "pending": Label("Pending", "plain", "circle-dashed"),
    "preflight": Label("Pre-flight", "info", "search"),
    "skipped": Label("Skipped", "plain", "circle-minus"),
    "intended": Label("Acting", "info", "loader-2"),
    "acted": Label("Acted, not verified", "info", "clock"),
    "verified": Label("Verified", "good", "circle-check"),
    "unknown": Label("Outcome unknown", "warn", "alert-triangle"),
    "rolling_back": Label("Rolling back", "warn", "arrow-back-up"),
    "rollback_failed": Label("Rollback failed", "bad", "circle-x"),
    # rehearsal and its steps
    "asked": Label("Asked for", "info", "clock"),
    "under_way": Label("Under way", "info", "player-play"),
    "worked": Label("Way back worked", "good", "circle-check"),
    "held": Label("Held", "good", "circle-check"),
    "inconclusive": Label("Proved nothing", "warn", "alert-triangle"),
    "spoiled": Label("Action not seen to work", "warn", "alert-triangle"),
    "returning": Label("Being put back", "warn", "arrow-back-up"),
    "returned": Label("Put back", "good", "arrow-back-up"),
    "stuck": Label("Not put back", "bad", "circle-x"),
}

PLANS: Mapping[str, Label] = {
    "open": Label("Waits for signatures", "warn", "clock"),
    "signed": Label("Signed", "good", "user-check"),
    "claimed": Label("Taken by a worker", "info", "player-play"),
    "void": Label("Void", "plain", "circle-x"),
}

REQUESTS: Mapping[str, Label] = {
    "opening": Label("Being opened", "info", "loader-2"),
    "open": Label("Open", "info", "git-pull-request"),
    "merged": Label("Merged", "good", "circle-check"),
    "closed": Label("Closed unmerged", "warn", "circle-x"),
    "failed": Label("Not opened", "bad", "circle-x"),
    "withdrawn": Label("Taken back", "plain", "arrow-back-up"),
    "diverged": Label("Not what was proven", "bad", "alert-triangle"),
}

PARTS: Mapping[str, Label] = {
    "done": Label("done", "good", "circle-check"),
    "now": Label("at it", "warn", "clock"),
    "later": Label("later", "plain", "circle-dashed"),
    "failed": Label("did not work", "bad", "circle-x"),
}

VERDICTS: Mapping[str, Label] = {
    "passed": Label("passed", "good", "circle-check"),
    "failed": Label("failed", "bad", "circle-x"),
    "warning": Label("warning", "warn", "alert-triangle"),
    "pending": Label("not run yet", "plain", "circle-dashed"),
    "unknown": Label("no probe", "warn", "circle-dashed"),
    "skipped": Label("skipped", "plain", "circle-minus"),
}

LETTERS: Mapping[str, Label] = {
    "waiting": Label("Waits", "info", "clock"),
    "sent": Label("Sent", "good", "check"),
    "dead": Label("Not delivered", "bad", "circle-x"),
    "discarded": Label("Put away"),
}

JOBS: Mapping[str, Label] = {
    "waiting": Label("Waits", "info", "clock"),
    "running": Label("Running", "info", "player-play"),
    "done": Label("Done", "good", "check"),
    "dead": Label("Dead", "bad", "circle-x"),
    "discarded": Label("Put away"),
}

LEVELS: Mapping[str, Label] = {
    "very_high": Label("very high", "good"),
    "high": Label("high", "good"),
    "medium": Label("medium", "warn"),
    "low": Label("low", "bad"),
}

KINDS: Mapping[str, Mapping[str, Label]] = {
    "severity": SEVERITIES,
    "risk": RISKS,
    "status": STATUSES,
    "plan": PLANS,
    "request": REQUESTS,
    "part": PARTS,
    "verdict": VERDICTS,
    "level": LEVELS,
    "letter": LETTERS,
    "job": JOBS,
}


def label_of(kind: str, value: object) -> Label:
    """How a value of a kind (severity, risk, status, plan, request, part, verdict, level) appears.

    Verdicts may also be booleans: true passed, false failed, None unknown.
    """
    if kind == "verdict" and (value is None or isinstance(value, bool)):
        value = {True: "passed", False: "failed", None: "unknown"}[value]
    key = str(value).lower()
    return KINDS[kind].get(key) or Label(key.replace("_", " ").capitalize())
