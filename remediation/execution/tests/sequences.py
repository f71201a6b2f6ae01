"""One ticket, and what must hold of it whatever people, clocks, queues and crashes do to it, in any order.

A machine over the real services, the real ledger and the real lab; its rules are in the test. What it knows by itself
is little: who signed what and who took it back. Everything else is read from the product, and from the lab's count of
requests received.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from portal.access.models import Person
from portal.estate.models import TargetLock
from portal.jobs import services as jobs
from portal.jobs import work
from portal.jobs.models import Job
from portal.jobs.registry import Handed
from portal.kit import canonical
from portal.kit.refusals import Refusal
from portal.signoff.models import Freeze, Plan, Stop
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import OVER
from remediation.execution import advancing, driving
from remediation.execution import services as runs
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import Do
from remediation.execution.states import MOVING, RunStatus, StepStatus
from remediation.execution.testing import draft, operation
from remediation.execution.tests.fragile import Crash, FragileShift, Fuse, fragile, taken_back
from remediation.review import plans, testing
from remediation.review import services as reviews
from remediation.review.plans import OperationStep
from remediation.tickets.services import NewEvidence

VM = {"vcenter": first_day.VCENTER, "vm": "app-07"}
TARGET = identities.vm(*VM.values())
STEPS = 2
BOUNDARIES = 9
"""More than any one move has."""
OVER_RUN = (RunStatus.SUCCEEDED, RunStatus.ROLLED_BACK, RunStatus.FAILED)
PEOPLE = ("engineer", "reviewer", "approver", "second approver", "operator", "auditor")
people = st.sampled_from(PEOPLE)


@dataclass
class Worker:
    """A worker with a job in hand."""

    job: Handed
    shift: FragileShift


class World(RuleBasedStateMachine):
    """Invariants, and what rules need."""

    starts: ClassVar[tuple[str, ...]]
    lab: ClassVar[LabProcess]
    cast: ClassVar[dict[str, Person]]
    escapes: ClassVar[set[tuple[object, ...]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self._example = taken_back()
        self._example.__enter__()
        self.lab.reset()
        settings.AUTO_REMEDIATION_ENABLED = "lab"
        self.now = timezone.now()
        self.drafts = 0
        self.votes: dict[int, set[int]] = {}
        self.makers = {self.cast["engineer"].pk}
        self.worker: Worker | None = None
        self.replaced: list[FragileShift] = []
        self.late: list[Callable[[], Any]] = []
        self.requests = 0
        self.lab_is_as_seen = True
        self.claimed: set[int] = set()

    def teardown(self) -> None:
        """Nothing of the example stays in the database."""
        self._example.__exit__(None, None, None)

    @initialize(start=st.integers(0, 11))
    def open(self, start: int) -> None:
        """A ticket, and how far it goes before anything out of the ordinary happens."""
        goes = self.starts[start % len(self.starts)]
        evidence = [NewEvidence("command", "app-07 runs", self.now - timedelta(minutes=3), "govc vm.info app-07")]
        fields: dict[str, Any] = {"category_slug": "virtualization", "service_slug": None, "evidence": evidence}
        self.ticket = testing.ticket(self.cast["engineer"], "INC-1", **fields)
        testing.drafted(self.ticket, self.draft())
        if goes != "drafted":
            self.deliver_all("probe")
        if goes in {"signed", "begun"}:
            self.sign_both()
        if goes == "begun":
            self.begin_next()
            self.begin_next()

    @invariant()
    def every_run_was_claimed_on_valid_signatures(self) -> None:
        """By what this machine knows of signatures, not by what the product says of them."""
        for run in Run.objects.exclude(pk__in=self.claimed).select_related("plan__merge_plan"):
            rollout, merge = run.plan, run.plan.merge_plan
            assert rollout.status == PlanStatus.CLAIMED
            assert merge
            assert canonical.digest_of(rollout.content) == rollout.digest
            assert rollout.valid_until > run.started_at
            signers = [self.votes.get(plan.pk, set()) for plan in (merge, rollout)]
            assert all(signers), f"run {run.pk} without a signature: {signers}"
            assert not signers[0] & signers[1]
            assert not (signers[0] | signers[1]) & self.makers
            assert not Stop.objects.filter(released_at=None).exists()
            assert not Freeze.objects.filter(ended_at=None, starts_at__lte=self.now, ends_at__gt=self.now).exists()
            self.claimed.add(run.pk)

    @invariant()
    def every_request_received_belongs_to_a_step_of_such_a_run(self) -> None:
        received = [] if self.lab_is_as_seen else self.lab.ledger()
        for each in received[self.requests :]:
            assert int(each["idempotency_key"].split("-")[1]) in self.claimed, "the key names its run"
        self.requests = max(self.requests, len(received))

    @invariant()
    def the_record_of_an_ended_run_says_what_happened(self) -> None:
        """A step that is verified stands; of one that was undone, or never done, nothing does, also not later."""
        if self.lab_is_as_seen:
            return
        standing = set(self._machine()["snapshots"])
        for step in StepRun.objects.filter(run__mode=Run.Mode.WORKERS, run__status__in=OVER_RUN).select_related("run"):
            planned = plans.read(step.run.plan.content).steps[step.number - 1]
            assert isinstance(planned, OperationStep)
            name = planned.call.arguments["snapshot"]
            if step.status == StepStatus.VERIFIED and step.run.status == RunStatus.SUCCEEDED:
                assert name in standing
            if step.status == StepStatus.ROLLED_BACK or step.intended_at is None:
                assert name not in standing, f"{step} is {step.status}, and its snapshot exists"
        self.lab_is_as_seen = True

    @invariant()
    def a_run_holds_its_target_until_it_is_over(self) -> None:
        holders = set(TargetLock.objects.filter(released_at=None).values_list("run_id", flat=True))
        assert holders == set(Run.objects.exclude(status__in=OVER_RUN).values_list("pk", flat=True))

    @invariant()
    def there_is_always_a_way_out(self) -> None:
        """A job that will move it, or a verb that some person may do now."""
        remediation = self.remediation
        if remediation.status in OVER:
            return
        situation = self._situation(remediation)
        if situation not in self.escapes:
            ways = self._ways_out(remediation)
            assert any(way() for way in ways), f"{remediation.status}: {remediation.status_reason}"
            self.escapes.add(situation)

    @property
    def remediation(self) -> Remediation:
        """The newest one, read afresh."""
        return testing.remediation_of(self.ticket)

    @property
    def runs(self) -> list[Run]:
        """Those that are not over."""
        return list(Run.objects.exclude(status__in=OVER_RUN).select_related("plan", "held_by"))

    def acting(self, who: str) -> dict[str, Any]:
        return {"person": self.cast[who], "door": "page", "at": self.now}

    def draft(self) -> dict[str, Any]:
        """Two snapshots under names that no other draft has."""
        self.drafts += 1
        names = [f"d{self.drafts}-s{number}" for number in range(STEPS)]
        steps = [operation("snapshot_vm", f"Snapshot {name}", {**VM, "snapshot": name}) for name in names]
        return draft(*steps, systems=(TARGET,))

    def sign_both(self) -> None:
        """The usual two sign, as far as they may."""
        for who, stage in (("reviewer", Stage.MERGE), ("approver", Stage.ROLLOUT)):
            plan = Plan.objects.filter(subject_id=self.remediation.pk, stage=stage).last()
            if plan:
                self.sign_as(who, plan, plan.digest)

    def begin_next(self) -> None:
        """A worker starts a plan, or takes a run over from whoever had it."""
        if self.worker is None and (job := self._take("execution")):
            self._begin(job)

    def sign_as(self, who: str, plan: Plan, digest: str) -> None:
        ballot = Ballot(typed="INC-1", authenticated_at=self.now, sheet=testing.shown(plan, at=self.now))
        try:
            reviews.sign(plan.pk, digest=digest, stage=plan.stage, ballot=ballot, **self.acting(who))
        except Refusal:
            return
        assert digest == plan.digest
        self.votes.setdefault(plan.pk, set()).add(self.cast[who].pk)

    def _take(self, queue: str) -> Handed | None:
        """The next job, under a lease that has run out already: whoever ends now has lost it."""
        due_by = max(self.now, timezone.now())  # the ledger gives lost jobs back by the database's clock
        for job in jobs.take(queue, limit=1, lease_seconds=0, due_by=due_by):
            return replace(job, at=self.now)
        return None

    def deliver_all(self, queue: str) -> None:
        while job := self._take(queue):
            work.run(job)

    def _begin(self, job: Handed) -> None:
        if job.kind != advancing.KIND:
            work.run(job)
            return
        release = job.payload.get("released_stop")
        shift = driving.take_over(
            job.subject_id or 0, clock=lambda: self.now, keeps_lease=lambda: True, released_stop=release
        )
        if shift is None:
            jobs.finish(job.id, fence=job.fence, result="not for workers")
        else:
            self.worker = Worker(job, fragile(shift, Fuse()))

    def move(self, fuse: Fuse) -> None:
        """One move of the worker that has a job in hand; where none has, one begins with the next job."""
        if self.worker is None:
            self.begin_next()
            return
        self.lab_is_as_seen = False
        job, shift = self.worker.job, fragile(self.worker.shift, fuse)
        stopped = Stop.objects.filter(released_at=None).exists()
        try:
            move = driving._next(shift)[0]
            if move.do is Do.WAIT:
                jobs.finish(job.id, fence=job.fence, result="done")
                self.worker = None
            else:
                driving._make(shift, move)
        except Refusal:
            jobs.finish(job.id, fence=job.fence, result="already taken")
            self.worker = None
        except Crash:
            self.worker = None
            self.late += fuse.late
            jobs.revive_lost("execution")
        if stopped:
            fresh = self.lab.ledger()[self.requests :]
            assert all(each["idempotency_key"].endswith("-back") for each in fresh), "a write under an emergency stop"

    def _machine(self) -> dict[str, Any]:
        return next(each for each in self.lab.estate()["vms"] if each["name"] == VM["vm"])

    def _ways_out(self, remediation: Remediation) -> list[Callable[[], bool]]:
        """The run's own ways where there is one: while it holds its target nothing else helps."""
        pk, operator, reviewer = remediation.pk, self.acting("operator"), self.acting("approver")
        open_runs = [run for run in self.runs if run.remediation_id == pk]
        if open_runs:
            run = open_runs[0]
            return [
                lambda: self._is_driven(run),
                lambda: self._works(lambda: runs.give_up(run.pk, reason="Enough.", **operator)),
                lambda: self._works(lambda: _moved(advancing.give_up_on_lost(at=self.now))),
            ]
        return [
            lambda: self._works(lambda: reviews.reject(pk, reason="other", comment="No.", **reviewer)),
            lambda: self._works(lambda: reviews.prepare_again(pk, **reviewer)),
            lambda: self._works(lambda: remediations.redraft(pk, **reviewer)),
            lambda: Job.objects.filter(subject_id=pk, queue="drafting", state="waiting").exists(),
            lambda: Job.objects.filter(queue="probe", state="waiting").exists(),
        ]

    def _situation(self, remediation: Remediation) -> tuple[object, ...]:
        """What the ways out depend on; one that was found is not looked for again."""
        open_runs = [(run.mode, run.status, self._is_driven(run)) for run in self.runs]
        steps = StepRun.objects.filter(run__in=self.runs).order_by("pk").values_list("status", flat=True)
        live = Plan.objects.filter(subject_id=remediation.pk).order_by("pk").values_list("stage", "status")
        return (remediation.status, tuple(open_runs), tuple(steps), tuple(live[:4]))

    def _is_driven(self, run: Run) -> bool:
        waits = Job.objects.filter(kind=advancing.KIND, key=f"run:{run.pk}", state__in=["waiting", "running"])
        return run.mode == Run.Mode.WORKERS and run.status in MOVING and waits.exists()

    def _works(self, verb: Callable[[], object]) -> bool:
        """Whether somebody could do this now; nothing of it stays."""
        with transaction.atomic():
            try:
                verb()
            except Refusal:
                return False
            finally:
                transaction.set_rollback(True)
        return True


def _moved(count: int) -> None:
    if not count:
        raise Refusal
