"""What an operation of the catalogue is: typed parameters, risk, target, probes, action and way back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict


class Family(StrEnum):
    """The kinds of infrastructure the product can touch."""

    VMWARE = "vmware"
    KUBERNETES = "kubernetes"
    NETWORK = "network"
    STORAGE = "storage"
    OPENSTACK = "openstack"
    HOSTS = "hosts"


class Risk(StrEnum):
    """Risk is ours to say (law 6); the order is from harmless to dangerous."""

    READ_ONLY = "read_only"
    SAFE_WRITE = "safe_write"
    CRITICAL_WRITE = "critical_write"


class Parameters(BaseModel):
    """Base of every operation's parameters: closed, immutable, strict types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


P = TypeVar("P", bound=Parameters)
Relation = Literal["equals", "not_equals", "at_least", "at_most", "contains"]
Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one field of a probe's answer must be."""

    field: str
    relation: Relation
    value: Scalar


@dataclass(frozen=True, slots=True)
class Probe:
    """A read-only call and what its answer must show."""

    tool: str
    arguments: Mapping[str, Scalar]
    expect: tuple[Expectation, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Call:
    """A writing call of a connector's write server."""

    tool: str
    arguments: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class WayBack:
    """How a step is undone: the call, and the probe that shows it worked."""

    call: Call
    verify: Probe
    says: str


@dataclass(frozen=True, slots=True)
class Irreversible:
    """An explicit statement that there is no way back; makes the step critical (law 8)."""

    reason: str


@dataclass(frozen=True)
class Operation(Generic[P]):
    """One entry of the catalogue. The functions take validated parameters and are pure.

    `critical_when` says why these very parameters are critical although the operation is not; `settles_in_seconds` is
    how long the verify may be asked again before its answer counts.
    """

    name: str
    family: Family
    title: str
    declared_risk: Risk
    parameters: type[P]
    target: Callable[[P], str]
    says: Callable[[P], str]
    blast_radius: Callable[[P], str]
    preflight: Callable[[P], Probe]
    action: Callable[[P], Call]
    verify: Callable[[P], Probe]
    way_back: Callable[[P], WayBack | Irreversible]
    backup: Callable[[P], Probe] | None = None
    critical_when: Callable[[P], str | None] = lambda _: None
    stop_rule: str = "Stop if any expected value differs."
    settles_in_seconds: int = 10
