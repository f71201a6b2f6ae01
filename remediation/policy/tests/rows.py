"""One row per rule of the decision: what differs from a case where all is well, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Any

from remediation.policy.decide import QUESTIONS
from remediation.policy.facts import Action, ActionType, Facts, Limits, SafetyCheck, Switches, Verdict

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
SCALE = Action("scale_deployment", "payments", ActionType.SAFE_WRITE, is_lab=True)
READ = Action("list_pods", "payments", ActionType.READ_ONLY, is_lab=True)
COMMAND = Action("command", "logship-03", ActionType.CRITICAL_WRITE, is_lab=True)


def check(name: str, *, answer: bool | None) -> SafetyCheck:
    """What one probe said."""
    return SafetyCheck(name, "a probe", answer, "As the probe says.", AT)


HEALTHY, BACKED_UP = check("system_healthy", answer=True), check("backup_available", answer=True)
SWITCHES = Switches(mode="on", requires_approval=False, max_actions_per_hour=10)
GOOD = Facts(
    switches=SWITCHES,
    ticket_opted_in=True,
    actions=(SCALE,),
    confidence=95.0,
    reliability=95.0,
    similar_tickets=10,
    feedback_rate=95.0,
    pattern_is_eligible=True,
    has_certificate=True,
    certificate_says="certificate #7.",
    ticket_place=4,
    safety_checks=(HEALTHY, BACKED_UP),
)
POLICY = Limits(
    min_confidence=80.0,
    min_reliability=75.0,
    min_similar_tickets=3,
    min_feedback_rate=85.0,
    requires_approval=None,
    auto_approve_threshold=90.0,
    machine_share=5,
    max_actions_per_hour=5,
)

ENABLED = "Is auto-remediation on, for the site and for this ticket?"
HAS_POLICY = "Does the category have a policy that is switched on?"
KINDS = "Does the policy allow these kinds of action?"
SCOPE = "Is every step within the scope of the draft and the systems of the policy?"
FORBIDDEN = "Is it free of forbidden commands?"
CONFIDENCE, RELIABILITY = "Is the confidence high enough?", "Is the reliability high enough?"
SIMILAR, FEEDBACK = "Were there enough similar tickets?", "Was the feedback good enough?"
FAILURES = "Are there no failures in a row, on its targets or for its pattern?"
WAYS_BACK = "Was every way back seen to work?"
PATTERN, APPROVAL = "Has the pattern earned autonomy?", "Does a person have to approve?"
CERTIFICATE, SHARE = "Does a live certificate cover it?", "Is the ticket among those left to the machine?"
STOP, FREEZE = "Is the emergency stop off?", "Is there no freeze?"
WINDOW, RATE = QUESTIONS["time_window_ok"], QUESTIONS["rate_limit_ok"]
FREE = QUESTIONS["targets_free"]
WAY_BACK, BACKUP, HEALTH = QUESTIONS["rollback_planned"], QUESTIONS["backup_available"], QUESTIONS["system_healthy"]


@dataclass(frozen=True)
class Row:
    """What differs from GOOD and POLICY, and what follows; the defaults are what GOOD and POLICY give."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] | None = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    allowed: bool = True
    asks: bool = False
    shadow: Verdict = "execute"
    decided_by: str | None = None
    runs: bool = True


def _held(name: str, decided_by: str, facts: dict[str, Any] | None = None, limits: dict[str, Any] | None = None) -> Row:
    """Only the machine's way is closed: people may sign and workers run it."""
    return Row(name, facts or {}, limits or {}, allowed=False, shadow="await_approval", decided_by=decided_by)


def _stopped(
    name: str, code: str, decided_by: str, facts: dict[str, Any] | None = None, limits: dict[str, Any] | None = None
) -> Row:
    """Nobody may execute it."""
    return Row(
        name, facts or {}, limits or {}, (code,), allowed=False, shadow="refuse", decided_by=decided_by, runs=False
    )


def _asks(name: str, facts: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **more: Any) -> Row:
    """It waits for a person, because the policy says so."""
    return Row(
        name, facts or {}, limits or {}, **{"asks": True, "shadow": "await_approval", "decided_by": APPROVAL, **more}
    )


def _off(name: str, facts: dict[str, Any]) -> Row:
    """Workers do nothing; the shadow says what they would have done."""
    return Row(name, facts, allowed=False, decided_by=ENABLED, runs=False)


def _site(**changes: Any) -> dict[str, Any]:
    return {"switches": replace(SWITCHES, **changes)}


OUTSIDE = replace(SCALE, is_in_scope=False)
NO_WAY_BACK = replace(SCALE, has_rollback=False)
NIGHT = {"hours": (time(22), time(6))}

ROWS = [
    Row("all is well"),
    # enabled
    _off("switched off for the site", _site(mode="off")),
    _off("the ticket did not opt in", {"ticket_opted_in": False}),
    _off("lab only, a target outside", {**_site(mode="lab"), "actions": (SCALE, replace(SCALE, is_lab=False))}),
    Row("lab only, all targets in the lab", _site(mode="lab")),
    Row("on, a target outside the lab", {"actions": (replace(SCALE, is_lab=False),)}),
    _stopped("emergency stop", "emergency_stop", STOP, {"emergency_stop": "olga stopped everything"}),
    _stopped("freeze", "freeze", FREEZE, {"freeze": "year end"}),
    # policy
    Row("no policy", {}, None, allowed=False, asks=True, shadow="await_approval", decided_by=HAS_POLICY),
    _held("policy switched off", HAS_POLICY, {}, {"is_enabled": False}),
    _stopped(
        "a switched off policy still forbids",
        "forbidden_action_type",
        KINDS,
        {},
        {"is_enabled": False, "allowed_action_types": ()},
    ),
    _stopped(
        "kind of action not allowed", "forbidden_action_type", KINDS, {}, {"allowed_action_types": ("restart_pod",)}
    ),
    _stopped("no kind of action allowed", "forbidden_action_type", KINDS, {}, {"allowed_action_types": ()}),
    Row("kind of action allowed", {}, {"allowed_action_types": ("scale_deployment", "restart_pod")}),
    _stopped(
        "one of two kinds not allowed",
        "forbidden_action_type",
        KINDS,
        {"actions": (SCALE, READ)},
        {"allowed_action_types": ("scale_deployment",)},
    ),
    _stopped("outside the patch scope", "out_of_scope", SCOPE, {"actions": (SCALE, OUTSIDE)}),
    _stopped("a read outside the patch scope", "out_of_scope", SCOPE, {"actions": (replace(READ, is_in_scope=False),)}),
    _stopped("system not of the policy", "out_of_scope", SCOPE, {}, {"allowed_systems": ("checkout",)}),
    _stopped("no system allowed", "out_of_scope", SCOPE, {}, {"allowed_systems": ()}),
    Row("system of the policy", {}, {"allowed_systems": ("payments",)}),
    _stopped(
        "forbidden command",
        "forbidden_command",
        FORBIDDEN,
        {"commands": ("df -h", "rm -rf /var")},
        {"forbidden_commands": ("rm -rf",)},
    ),
    Row("no forbidden command", {"commands": ("df -h",)}, {"forbidden_commands": ("rm -rf",)}),
    # risk
    Row("reading only", {"actions": (READ,)}),
    Row("no action at all", {"actions": ()}),
    _asks("a critical action", {"actions": (replace(SCALE, action_type=ActionType.CRITICAL_WRITE),)}),
    _asks("one critical action among others", {"actions": (READ, SCALE, COMMAND)}),
    _asks(
        "critical wins over auto-approve", {"actions": (COMMAND,), "reliability": 100.0}, {"requires_approval": False}
    ),
    # minimums
    _held("confidence too low", CONFIDENCE, {"confidence": 79.99}),
    _held("confidence unknown", CONFIDENCE, {"confidence": None}),
    Row("confidence just enough", {"confidence": 80.0}),
    Row("confidence unknown and not asked for", {"confidence": None}, {"min_confidence": 0.0}),
    _held("reliability too low", RELIABILITY, {"reliability": 74.99}, {"auto_approve_threshold": 50.0}),
    Row("reliability just enough", {"reliability": 75.0}, {"auto_approve_threshold": 75.0}),
    _held(
        "reliability below the site's minimum",
        RELIABILITY,
        {"reliability": 94.9, **_site(min_reliability=95.0)},
        {"min_reliability": None},
    ),
    Row("the policy's minimum is not the site's", _site(min_reliability=99.0)),
    Row(
        "a policy's minimum of nothing counts",
        {"reliability": 0.0},
        {"min_reliability": 0.0, "auto_approve_threshold": 0.0},
    ),
    _held("too few similar tickets", SIMILAR, {"similar_tickets": 2}),
    Row("similar tickets just enough", {"similar_tickets": 3}),
    _held("feedback too bad", FEEDBACK, {"feedback_rate": 84.9}),
    _held("no feedback", FEEDBACK, {"feedback_rate": None}),
    _held("feedback below the site's minimum", FEEDBACK, _site(min_feedback_rate=96.0), {"min_feedback_rate": None}),
    Row("no feedback and none asked for", {"feedback_rate": None}, {"min_feedback_rate": 0.0}),
    # safety checks
    _stopped("outside the hours", "time_window_ok", WINDOW, {}, NIGHT),
    Row("within the hours", {}, {"hours": (time(12), time(13))}),
    Row("within the hours of another zone", {}, {"hours": (time(13), time(14)), "zone": "Europe/Berlin"}),
    _stopped("on another day", "time_window_ok", WINDOW, {}, {"days": frozenset({5, 6})}),
    Row("on its day", {}, {"days": frozenset({4})}),
    _stopped("rate limit of the policy used up", "rate_limit_ok", RATE, {"actions_last_hour_here": 5}),
    _stopped(
        "a target held by another run", "targets_free", FREE, {"held_targets": ("db-1 is held by the run of INC-7.",)}
    ),
    _stopped("too many actions at once", "rate_limit_ok", RATE, {"actions": (SCALE,) * 6}),
    Row("the last actions of the hour", {"actions_last_hour_here": 3, "actions": (SCALE, READ, SCALE)}),
    Row("actions elsewhere do not use up the policy", {"actions_last_hour": 9}),
    _stopped(
        "rate limit of the site used up", "rate_limit_ok", RATE, {"actions_last_hour": 10}, {"max_actions_per_hour": 99}
    ),
    _stopped(
        "rate limit of the site without one of the policy",
        "rate_limit_ok",
        RATE,
        {"actions_last_hour": 10},
        {"max_actions_per_hour": None},
    ),
    Row("reading needs no reservation", {"actions": (READ,), "actions_last_hour": 99, "actions_last_hour_here": 99}),
    _stopped("no rollback plan", "rollback_planned", WAY_BACK, {"actions": (SCALE, NO_WAY_BACK)}),
    Row("no rollback plan asked for", {"actions": (NO_WAY_BACK,)}, {"requires_rollback_plan": False}),
    Row("reading needs no rollback plan", {"actions": (replace(READ, has_rollback=False),)}),
    _stopped(
        "no backup",
        "backup_available",
        BACKUP,
        {"safety_checks": (HEALTHY, check("backup_available", answer=False))},
        {"requires_backup": True},
    ),
    _held(
        "backup unknown",
        BACKUP,
        {"safety_checks": (HEALTHY, check("backup_available", answer=None))},
        {"requires_backup": True},
    ),
    _held("backup not probed", BACKUP, {"safety_checks": (HEALTHY,)}, {"requires_backup": True}),
    Row("backup there", {}, {"requires_backup": True}),
    Row("no backup and none asked for", {"safety_checks": (HEALTHY, check("backup_available", answer=False))}),
    _stopped("system unhealthy", "system_healthy", HEALTH, {"safety_checks": (check("system_healthy", answer=False),)}),
    _held("health unknown", HEALTH, {"safety_checks": (check("system_healthy", answer=None),)}),
    _held("health not probed", HEALTH, {"safety_checks": ()}),
    _stopped(
        "a check of another name",
        "targets_unlocked",
        "Did the check targets_unlocked pass?",
        {"safety_checks": (HEALTHY, check("targets_unlocked", answer=False))},
    ),
    # pattern
    Row(
        "failures in a row",
        {"failures_in_a_row": ("3 runs in a row failed for the target x, the last one of INC-1.",)},
        allowed=False,
        shadow="await_approval",
        decided_by=FAILURES,
        runs=False,
    ),
    _held("a way back that nobody saw work", WAYS_BACK, {"unproven_ways_back": ("scale: it was never taken.",)}),
    _held("pattern not eligible", PATTERN, {"pattern_is_eligible": False, "pattern_reasons": ("Only 4 tickets.",)}),
    _held("pattern unknown", PATTERN, {"pattern_is_eligible": False}),
    # approval
    _asks("below the threshold", {"reliability": 89.9}),
    Row("at the threshold", {"reliability": 90.0}),
    _asks("never without a person", {"reliability": 100.0}, {"auto_approve_threshold": None}),
    _asks("the policy always asks, above its threshold too", {"reliability": 100.0}, {"requires_approval": True}),
    _asks("a policy that asks nobody still has its threshold", {"reliability": 89.9}, {"requires_approval": False}),
    _asks(
        "a policy that asks nobody and names no threshold",
        {"reliability": 100.0},
        {"requires_approval": False, "auto_approve_threshold": None},
    ),
    Row("the policy asks nobody", {}, {"requires_approval": False}),
    _asks(
        "the policy takes the site's rule",
        {"reliability": 80.0, **_site(requires_approval=True)},
        {"requires_approval": None},
    ),
    Row("the site's rule asks nobody", {}, {"requires_approval": None}),
    _asks("the site asks for approval of everything", _site(requires_approval=True), {}, shadow="execute"),
    _asks(
        "the site wins over a policy that asks nobody",
        _site(requires_approval=True),
        {"requires_approval": False},
        shadow="execute",
    ),
    _asks("no certificate", {"has_certificate": False}, {}, shadow="execute"),
    _asks("outside the machine's share", {"ticket_place": 5}, {}, shadow="execute"),
    _asks("nothing is left to the machine", {"ticket_place": 0}, {"machine_share": 0}, shadow="execute"),
    Row("the last place of a share", {"ticket_place": 19}, {"machine_share": 20}),
    Row("every ticket is left to the machine", {"ticket_place": 99}, {"machine_share": 100}),
    # several at once
    _stopped("a stop wins over a minimum", "freeze", FREEZE, {"freeze": "year end", "confidence": 10.0}),
    _stopped("a stop wins over being switched off", "freeze", FREEZE, {"freeze": "year end", **_site(mode="off")}),
    Row(
        "a minimum wins over approval",
        {"confidence": 10.0, "reliability": 80.0},
        allowed=False,
        asks=True,
        shadow="await_approval",
        decided_by=CONFIDENCE,
    ),
    Row(
        "being switched off is named first",
        {"confidence": 10.0, **_site(mode="off")},
        allowed=False,
        shadow="await_approval",
        decided_by=ENABLED,
        runs=False,
    ),
]
