"""What the review page shows, worked out from rows: no query parameter, no request, no decision is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from patterns.reliability import WEIGHTS
from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.diff import Diff, diff_of
from portal.kit.durations import span
from portal.kit.labels import label_of
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.operations import Expectation, Probe
from remediation.drafting import schema
from remediation.drafting.models import Drafter, Remediation, Revision
from remediation.policy.models import Assessment, Decision
from remediation.review import draft_text, plans
from remediation.review.models import GateResult
from remediation.review.plans import CommandStep, OperationStep, PlanStep

FACTORS = {
    "ai_confidence": "AI confidence",
    "human_validation": "Human feedback",
    "success_history": "Success history",
    "pattern_recognition": "Pattern match",
}
CHECKS = {
    "time_window_ok": "Within the policy's hours",
    "rate_limit_ok": "Actions left this hour",
    "rollback_planned": "Every write has a way back",
    "backup_available": "Backup available",
    "targets_free": "No target held by another run",
    "system_healthy": "System healthy, apart from the symptom",
}
VERDICTS = {"pass": "passed", "fail": "failed", "warn": "warning", "info": "unknown"}
ANSWERS = {"pass": "fine", "fail": "binds everybody", "warn": "people only", "info": "noted"}
RELATIONS = {"equals": "is", "not_equals": "is not", "at_least": "is at least", "at_most": "is at most"}
KINDS = {"deployment": "deployment", "volume": "volume", "server": "server", "vm": "machine"}
EVENTS = {
    "ticket.opened": ("opened the ticket", "ticket"),
    "evidence.added": ("added evidence", "plus"),
    "timeline.kept": ("told what happened", "plus"),
    "role.asked_for": ("asked for a role", "refresh"),
    "remediation.begun": ("began a remediation", "robot"),
    "revision.created": ("saved a revision", "pencil"),
    "decision.made": ("applied the policy", "scale"),
    "plan.opened": ("opened a plan", "list-check"),
    "plan.signed": ("signed", "shield-check"),
    "plan.completed": ("completed the sign-off", "user-check"),
    "plan.voided": ("voided a plan", "shield-x"),
    "plan.claimed": ("claimed the plan", "player-play"),
    "gates.failed": ("stopped at the gates", "circle-x"),
    "review.ticked": ("answered a REVIEW item", "check"),
    "review.objected": ("objected", "message"),
    "review.commented": ("commented on lines", "message"),
    "review.taken": ("is on it", "user"),
    "review.released": ("left it to others", "user"),
    "review.look_asked": ("asked for a look at the targets", "eye"),
    "plan.withdrawn": ("withdrew a signature", "arrow-back-up"),
    "plan.refused": ("was refused a signature", "shield-x"),
    "feedback.given": ("gave feedback", "star-filled"),
    "feedback.changed": ("changed their feedback", "star-filled"),
    "remediation.moved": ("moved the remediation", "activity"),
    "pattern.found": ("found the pattern", "route"),
    "run.started": ("started the run", "player-play"),
    "run.asked": ("asked for a halt of the run", "player-pause"),
    "run.moved": ("moved the run", "activity"),
    "run.held": ("held the run", "player-pause"),
    "run.taken": ("took the run over", "user"),
    "run.left_to_people": ("left the run to people", "user"),
    "run.watched": ("watches after a wave of the run", "eye"),
    "run.wave_opened": ("began the next wave of the run", "player-play"),
    "run.finished": ("ended the run", "circle-check"),
    "step.moved": ("moved a step", "activity"),
    "rehearsal.asked": ("asked for a rehearsal", "arrow-back-up"),
    "rehearsal.ended": ("ended a rehearsal", "arrow-back-up"),
    "wayback.taken": ("took a way back", "arrow-back-up"),
    "request.asked": ("asked for a pull request", "git-pull-request"),
    "request.opened": ("opened the pull request", "git-pull-request"),
    "request.failed": ("could open no pull request", "circle-x"),
    "request.merged": ("saw the pull request merged", "circle-check"),
    "request.closed": ("saw the pull request closed", "circle-x"),
    "request.reopened": ("saw the pull request opened again", "git-pull-request"),
    "request.diverged": ("saw a role that is not what was proven", "alert-triangle"),
    "request.commented": ("brought a comment on the pull request", "message"),
    "request.withdrawn": ("took the pull request back", "arrow-back-up"),
    "request.looked_for": ("asked for a look at the role repository", "eye"),
    "brake.engaged": ("engaged a brake", "hand-stop"),
    "proof.asked": ("asked for a proof", "flask"),
    "proof.begun": ("began a proof", "flask"),
    "proof.ended": ("ended a proof", "flask"),
    "postmortem.drafted": ("drafted the postmortem", "notebook"),
    "postmortem.edited": ("edited the postmortem", "notebook"),
    "ticket.closed": ("closed the ticket", "check"),
}
"""How the timeline words an event; any other kind is shown by its own name."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a step as the page shows it."""

    command: str
    text: str = ""
    stop: str = ""


def steps_of(plan: Plan | None, revision: Revision) -> list[dict[str, Any]]:
    """The steps as the plan resolved them; as the draft words them while there is no plan."""
    if plan is None:
        return [_drafted(number, step) for number, step in enumerate(schema.from_text(revision.content).steps, start=1)]
    return [_planned(step) for step in plans.read(plan.content).steps]


def reliability_of(assessment: Assessment | None) -> dict[str, Any] | None:
    """The score with its factors; a factor without data has no value."""
    if assessment is None:
        return None
    factors = [
        {
            "name": name,
            "weight": round(WEIGHTS[key] * 100),
            "value": None if key in assessment.no_data else getattr(assessment, f"{key}_permille") / 10,
        }
        for key, name in FACTORS.items()
    ]
    return {"overall": assessment.overall_permille / 10, "level": assessment.level, "factors": factors}


def trace_of(decision: Decision | None) -> list[dict[str, str]]:
    """The decision's reasoning, a line for every question."""
    lines = decision.reasoning if decision else []
    return [
        {
            "question": line["question"],
            "verdict": VERDICTS[line["outcome"]],
            "answer": ANSWERS[line["outcome"]],
            "detail": _worded(line["answer"]),
        }
        for line in lines
    ]


def _worded(answer: str) -> str:
    """The answer of a line without what its tag says already, and with risks as people call them."""
    shown = answer.removeprefix("Yes.").strip()
    for risk in ("read_only", "safe_write", "critical_write"):
        shown = shown.replace(risk.upper(), label_of("risk", risk).text.lower())
    return shown[:1].upper() + shown[1:]


SHADOW = {
    "refuse": "Left to itself, the machine would have refused this.",
    "await_approval": "Left to itself, the machine would have waited for approval.",
    "execute": "Left to itself, the machine would have executed this.",
}


def shadow_of(decision: Decision | None) -> str:
    """What autonomy would have done, kept beside what people do."""
    return SHADOW.get(decision.shadow["verdict"], "") if decision else ""


def checks_of(decision: Decision | None) -> list[dict[str, Any]]:
    """The safety checks with probe, answer and time."""
    return [
        {
            "name": CHECKS.get(check["name"], check["name"]),
            "answer": check["answer"],
            "detail": check["detail"],
            "at": datetime.fromisoformat(check["at"]),
        }
        for check in (decision.safety_checks if decision else [])
    ]


def gates_of(gates: Sequence[GateResult]) -> list[dict[str, Any]]:
    """Gates with what they found and how to mend it."""
    return [
        {
            "name": gate.gate.capitalize(),
            "verdict": "passed" if gate.has_passed else "failed",
            "findings": gate.findings,
            "log": gate.log,
            "by": f"{gate.ruleset}, {span(gate.took_ms / 1000)}" if gate.took_ms is not None else "",
        }
        for gate in gates
    ]


def first_of(remediation: Remediation) -> Revision | None:
    """The drafter's own text; None where people wrote it all."""
    return remediation.revisions.exclude(drafter=Drafter.PERSON).order_by("number").first()


def changes_of(remediation: Remediation, revision: Revision) -> Diff | None:
    """The newest revision against the drafter's own, without the files of a role; None where they are the same."""
    first = first_of(remediation)
    if first is None or first.pk == revision.pk:
        return None
    before, after = (draft_text.without_files(schema.from_text(each.content)) for each in (first, revision))
    return diff_of(before, after, path="draft.yml") if before != after else None


def timeline_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Events in words."""
    shown = []
    for event in events:
        text, icon = EVENTS.get(event.kind, (event.kind.replace(".", " "), "activity"))
        shown.append(
            {
                "at": event.at,
                "actor": event.actor_name,
                "text": f"{text}: {event.subject_name}",
                "icon": icon,
                "detail": _detail(audit.body_of(event)),
            }
        )
    return shown


def _detail(data: Mapping[str, Any]) -> str:
    """From which state to which, under which certificate, and why, for the events that say so."""
    before, after = (data.get(name) for name in ("before", "after"))
    is_move = isinstance(before, str) and isinstance(after, str)
    move = f"{label_of('status', before).text} → {label_of('status', after).text}" if is_move else ""
    reason = data.get("reason") or data.get("comment") or ""
    under = f"Under certificate #{data['certificate']}." if "certificate" in data else ""
    return "\n".join(part for part in (move, under, str(reason)) if part)


def effect_of(plan: Plan | None) -> str:
    """What signing the open plan leads to, in one sentence."""
    if plan is None:
        return "There is nothing to sign yet."
    if plan.status != PlanStatus.OPEN:
        return f"The {plan.stage} plan is signed. Nothing waits for a signature."
    if plan.stage == Stage.MERGE:
        return "Signing the merge stage says the content is right. It runs nothing; the rollout is signed separately."
    content = plans.read(plan.content)
    if content.is_for_people:
        return (
            "Signing the rollout lets an operator run these commands by hand, one at a time. Workers run none of them."
        )
    return f"Signing the rollout runs {consequence(content)}."


def consequence(content: plans.Content) -> str:
    """`restart_pod on 2 pods in payments-canary`: every operation with what it touches."""
    operations = [step for step in content.steps if isinstance(step, OperationStep)]
    names = dict.fromkeys(step.operation for step in operations)
    return " and ".join(f"{name} on {_touched([s for s in operations if s.operation == name])}" for name in names)


def _touched(steps: Sequence[OperationStep]) -> str:
    """The target by its name; several by what they are and how many; pods by the deployment they belong to."""
    targets = list(dict.fromkeys(step.target for step in steps))
    pods = [step for step in steps if "pod" in step.parameters]
    where = targets[0].rpartition("/")[2] if len(targets) == 1 else f"{len(targets)} {_kind(targets)}"
    if pods:
        return f"{len(pods)} pod{'s' if len(pods) > 1 else ''} in {where}"
    return where


def _kind(targets: Sequence[str]) -> str:
    """What several targets have in common: deployments, volumes; else just targets."""
    kinds = {target.split("/")[-2] for target in targets if target.count("/") > 1}
    return f"{KINDS.get(kinds.pop(), 'target')}s" if len(kinds) == 1 else "targets"


def _planned(step: PlanStep) -> dict[str, Any]:
    return _command(step) if isinstance(step, CommandStep) else _operation(step)


def _operation(step: OperationStep) -> dict[str, Any]:
    back = step.way_back
    rollback = (
        Part(_call(back.call.tool, back.call.arguments), back.says)
        if back
        else Part("", f"Irreversible: {step.irreversible}")
    )
    return {
        "number": step.number,
        "title": step.title,
        "risk": step.risk.value,
        "review": step.review,
        "blast_radius": step.blast_radius,
        "only_if": step.guard.says if step.guard else "",
        "preflight": asdict(Part(_asked(step.preflight), step.preflight.says, step.stop_if)),
        "action": asdict(Part(_call(step.call.tool, step.call.arguments), f"{step.says} Through {step.connector}.")),
        "verify": asdict(Part(_asked(step.verify), step.verify.says)),
        "rollback": asdict(rollback),
    }


def _command(step: CommandStep) -> dict[str, Any]:
    says = f"Irreversible: {step.irreversible}" if step.irreversible else step.rollback_says
    return {
        "number": step.number,
        "title": step.title,
        "risk": step.risk.value,
        "review": step.review,
        "blast_radius": step.blast_radius,
        "preflight": asdict(Part(step.preflight_command, step.preflight_expects, step.stop_if)),
        "action": asdict(Part(step.command, f"A person runs this on {step.system}.")),
        "verify": asdict(Part(step.verify_command, step.verify_expects)),
        "rollback": asdict(Part(step.rollback_command, says)),
    }


def _drafted(number: int, step: schema.Step) -> dict[str, Any]:
    action = step.action
    text = action.command if action.kind == "command" else _call(action.operation, _values(action))
    return {
        "number": number,
        "title": step.title,
        "risk": "",
        "review": step.review,
        "blast_radius": step.blast_radius,
        "preflight": asdict(Part(step.preflight.command or "", step.preflight.expects, step.preflight.stop_if)),
        "action": asdict(Part(text)),
        "verify": asdict(Part(step.verify.command or "", step.verify.expects)),
        "rollback": asdict(Part(step.rollback.command or "", step.rollback.says)),
    }


def _values(action: schema.OperationAction) -> dict[str, str | int | bool]:
    return {parameter.name: parameter.value for parameter in action.parameters}


def _call(tool: str, arguments: Mapping[str, object]) -> str:
    return f"{tool} {' '.join(f'{name}={value}' for name, value in arguments.items())}"


def _asked(probe: Probe) -> str:
    expected = "; ".join(_expected(each) for each in probe.expect)
    return f"{_call(probe.tool, probe.arguments)}  # {expected}"


def _expected(each: Expectation) -> str:
    return f"{each.field} {RELATIONS.get(each.relation, each.relation)} {each.value}"
