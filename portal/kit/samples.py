"""Sample data of the style guide: one of everything a page may show, in every state that looks different."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from portal.kit import labels
from portal.kit.charts import Series, bar_chart, line_chart
from portal.kit.diff import diff_of
from portal.kit.refusals import Refused, because

DRAFT = """\
- name: Cap the systemd journal
  ansible.builtin.copy:
    dest: /etc/systemd/journald.conf.d/size.conf
    content: |
      [Journal]
      SystemMaxUse=500M
    owner: root
    mode: "0644"
  notify: restart journald

- name: Find archived logs older than 14 days  # REVIEW: destructive
  ansible.builtin.find:
    paths: /var/log
    patterns: "*.gz"
    age: 14d
  register: stale
"""
EDITED = (
    DRAFT.replace("    owner: root\n", "    owner: root\n    group: root\n")
    .replace("14 days", "30 days")
    .replace("age: 14d", "age: 30d")
    .replace("paths: /var/log", "paths: /var/log/shipper")
)
LOG = """\
PLAY [log_shippers] *************************************************************
TASK [Cap the systemd journal] **************************************************
changed: [log-ship-canary]
TASK [Delete the stale archives found] ******************************************
changed: [log-ship-canary] => (item=/var/log/shipper/2026-10-02.gz)
PLAY RECAP: log-ship-canary : ok=4 changed=2 unreachable=0 failed=0
"""
NOTES = """\
# What happened

The journal grew to **19 GB**; `logrotate` never deleted the archives. See the [vendor's page](https://example.org/journald).

1. No cap in `journald.conf`
2. `maxage` unset

<script>alert("shown, not run")</script>
"""
COMMAND = (
    "kubectl --context prod-eu-1 --namespace payments scale deployment/payments-secondary --current-replicas=2"
    " --replicas=6 --timeout=120s"
)


class FeedbackSample(forms.Form):
    """A form with one of every kind of field."""

    rating = forms.ChoiceField(
        label="How well did it work?",
        choices=[(1, "made it worse"), (2, "little help"), (3, "partly"), (4, "mostly"), (5, "solved it")],
    )
    helpful = forms.ChoiceField(label="Did it help?", choices=[("y", "Yes"), ("n", "No")], widget=forms.RadioSelect)
    severity = forms.ChoiceField(label="Severity", choices=[("high", "High"), ("low", "Low")], required=False)
    minutes = forms.IntegerField(label="Time to resolve", help_text="In minutes.", min_value=1, required=False)
    comment = forms.CharField(label="What really worked", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    again = forms.BooleanField(label="I would use this remediation again", required=False)


def everything(at: datetime) -> dict[str, Any]:
    """The context of the style guide as of a time."""
    return {
        "crumbs": [("Queue", "/"), ("INC-4471", "/"), ("Review", "")],
        "vocabulary": [(kind, list(known)) for kind, known in labels.KINDS.items()],
        "figures": [
            {"name": "Waiting for you", "value": 4, "note": "oldest 4 h 20 min"},
            {"name": "Signed off in 7 days", "value": 31, "note": "6 more than the week before"},
            {"name": "Reliability, 30 days", "value": "92", "note": "very high"},
            {"name": "Average feedback", "value": "no data", "note": "no answers yet"},
        ],
        "tabs": [
            {"label": "Mine", "url": "?", "current": True, "count": 4},
            {"label": "All", "url": "?all", "current": False, "count": 8},
            {"label": "Blocked", "url": "?blocked", "current": False, "count": 0},
        ],
        "queue": _queue(at),
        "gates": _gates(),
        "reliability": _reliability(),
        "trace": _trace(),
        "checks": _checks(at),
        "events": _events(at),
        "step": _step(),
        "diff": diff_of(DRAFT, EDITED, path="main.yml"),
        "decision": _decision(),
        "form": FeedbackSample({"rating": "4"}),
        "refusal": Refused(because("stale", "The step list changed two minutes ago; you saw revision 3, it is now 4.")),
        "trend": _trend(),
        "ratings": bar_chart("Ratings in 30 days", ["1", "2", "3", "4", "5"], [Series("Answers", [5, 8, 5, 20, 23])]),
        "command": COMMAND,
        "odd_command": "rm -rf /var/log/shipper/\u202egol.3\u202c  # reads differently than it runs",
        "log": LOG,
        "notes": NOTES,
        "facts": [("Service", "log-shippers"), ("Targets", "log-ship-01, log-ship-02"), ("Digest", "9f2c" * 16)],
        "rail": _rail(),
    }


def _gates() -> list[dict[str, Any]]:
    passed = [{"name": name, "verdict": True} for name in ("Schema", "Patch scope", "Forbidden commands", "Risk")]
    finding = {
        "place": "step 2",
        "text": "The second pass reports 1 change: 'Delete the stale archives found'.",
        "mend": "Give the task a condition that is false once the archives are gone.",
    }
    failed = {"name": "Idempotency", "verdict": False, "findings": [finding], "log": LOG}
    return [*passed, failed, {"name": "Canary", "verdict": "pending"}]


def _reliability() -> dict[str, Any]:
    factors = [
        ("AI confidence", 25, 93),
        ("Human feedback", 30, 88.5),
        ("Success history", 25, 81),
        ("Pattern", 20, None),
    ]
    return {
        "overall": 70.1,
        "level": "medium",
        "factors": [{"name": name, "weight": weight, "value": value} for name, weight, value in factors],
    }


def _trace() -> list[dict[str, str]]:
    lines = [
        ("Is remediation enabled?", "passed", "yes", "For this ticket and for lab targets."),
        ("Is there a policy?", "passed", "Storage", "Minimum reliability 90, automatic from 95."),
        ("How risky is it?", "warning", "critical write", "It deletes files; critical wins over automatic approval."),
        ("Is the score high enough?", "failed", "below", "70.1 is less than 90: closes only the machine's way."),
        ("Do people have to sign?", "warning", "two people", "Merge first, then the rollout of exactly that plan."),
    ]
    return [{"question": q, "verdict": v, "answer": a, "detail": d} for q, v, a, d in lines]


def _checks(at: datetime) -> list[dict[str, Any]]:
    return [
        {"name": "Inside the time window", "answer": True, "detail": "22:00 to 04:00, Europe/Berlin", "at": at},
        {"name": "Within the rate limit", "answer": True, "detail": "3 of 10 actions this hour", "at": at},
        {"name": "Backup available", "answer": None, "detail": "No probe is configured for log-shippers.", "at": at},
        {"name": "System healthy", "answer": False, "detail": "An unrelated critical alert is open.", "at": at},
    ]


def _events(at: datetime) -> list[dict[str, Any]]:
    lines = [
        (260, "alertmanager", "opened the ticket", "bell", "Disk at 98 % on log-ship-02", ""),
        (
            254,
            "runbook drafter",
            "drafted revision 1",
            "robot",
            "From disk-full-log-shippers, all parameters cited",
            "",
        ),
        (131, "alice", "edited it: revision 2", "pencil", "", ""),
        (41, "bob", "signed off on the merge", "user-check", "", ""),
        (2, "execution", "ran the pre-flight", "search", "", "Filesystem  Use%\n/dev/vda1    98%"),
    ]
    return [
        {"at": at - timedelta(minutes=m), "actor": who, "text": what, "icon": icon, "detail": detail, "output": output}
        for m, who, what, icon, detail, output in lines
    ]


def _queue(at: datetime) -> list[dict[str, Any]]:
    rows = [
        ("sev1", "Payments secondary pool under-scaled", "INC-4489", "Kubernetes", "safe_write", 91.2, "very_high", 41),
        ("sev2", "Disk full on log shippers", "INC-4471", "Storage", "critical_write", 70.1, "medium", 312),
        ("low", "Stale cache serves the old price list", "INC-4480", "Cache", "read_only", None, "", 1500),
    ]
    names = ("severity", "title", "key", "category", "risk", "score", "level")
    gates = tuple((gate["name"], gate["verdict"]) for gate in _gates())
    return [
        {**dict(zip(names, row, strict=False)), "at": at - timedelta(minutes=row[-1]), "gates": gates} for row in rows
    ]


def _step() -> dict[str, Any]:
    return {
        "number": 2,
        "title": "Scale the secondary pool",
        "status": "preflight",
        "risk": "critical_write",
        "review": "Six replicas need 12 GB on node pool B; check the quota first.",
        "blast_radius": "the namespace payments only; adds four pods",
        "preflight": {
            "command": "kubectl get pods --namespace payments --selector pool=secondary --output wide",
            "text": "Go on when two pods are Running.",
            "stop": "when the secondary pool does not exist.",
            "output": "payments-secondary-1f  1/1  Running  node-7\npayments-secondary-2c  1/1  Running  node-9",
        },
        "action": {"command": COMMAND, "locked": "Locked until the pre-flight is recorded."},
        "verify": {"command": "kubectl rollout status deployment/payments-secondary --namespace payments"},
        "rollback": {"command": COMMAND.replace("current-replicas=2 --replicas=6", "replicas=2")},
    }


def _rail() -> list[dict[str, Any]]:
    return [
        {"title": "Confirm the impact", "status": "verified", "note": "on 2 targets", "current": False},
        {"title": "Scale the secondary pool", "status": "intended", "note": "payments-secondary", "current": True},
        {"title": "Fail over the traffic", "status": "pending", "note": "opens after step 2", "current": False},
    ]


def _decision() -> dict[str, Any]:
    return {
        "title": "The sign-off is blocked by 2 things",
        "blockers": [
            {"text": "2 of 4 checklist items are not confirmed", "href": "#checklist"},
            {"text": "The gate Idempotency failed", "href": "#gates"},
        ],
        "action": "/styleguide",
        "digest": "9f2c" * 16,
        "stage": "merge",
        "confirm": "INC-4471",
        "buttons": [
            {"name": "verdict", "value": "reject", "label": "Reject", "tone": "refuse"},
            {"name": "verdict", "value": "changes", "label": "Request changes", "tone": ""},
            {"name": "verdict", "value": "approve", "label": "Sign off", "tone": "approve"},
        ],
    }


def _trend() -> Any:
    days = [f"{day} Nov" for day in range(1, 22)]
    reliability = [78 + (day * 7 % 5) + day * 0.5 for day in range(21)]
    success: list[float | None] = [70 + (day * 3 % 4) + day * 0.9 for day in range(21)]
    success[8:11] = [None] * 3
    return line_chart("Reliability by day", days, [Series("Reliability", reliability), Series("Success", success)])
