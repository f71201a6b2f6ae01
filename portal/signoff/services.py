"""The verbs of the room, for its doors and for the rooms above. The stop and the freezes are in `brakes`."""

from __future__ import annotations

from portal.signoff.certificates import NewCertificate, ask, grant, live_certificate, revoke, take_back
from portal.signoff.delegating import delegate, end_delegation, received
from portal.signoff.plans import (
    NewPlan,
    claim,
    lapsed,
    live_plans,
    missing,
    not_yet,
    open_plan,
    ref,
    sweep,
    void,
    votes_of,
    window_of,
    withdraw,
)
from portal.signoff.quorum import Requirement, Rule
from portal.signoff.ruling import owners_of, requirement, rules
from portal.signoff.voting import (
    Ballot,
    give,
    give_by_certificate,
    lacking,
    locked,
    machine_refusals_kept,
    refusals_kept,
    verbs_of,
    why_not,
)

__all__ = [
    "Ballot",
    "NewCertificate",
    "NewPlan",
    "Requirement",
    "Rule",
    "ask",
    "claim",
    "delegate",
    "end_delegation",
    "give",
    "give_by_certificate",
    "grant",
    "lacking",
    "lapsed",
    "live_certificate",
    "live_plans",
    "locked",
    "machine_refusals_kept",
    "missing",
    "not_yet",
    "open_plan",
    "owners_of",
    "received",
    "ref",
    "refusals_kept",
    "requirement",
    "revoke",
    "rules",
    "sweep",
    "take_back",
    "verbs_of",
    "void",
    "votes_of",
    "why_not",
    "window_of",
    "withdraw",
]
