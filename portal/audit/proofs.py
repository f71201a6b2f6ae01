"""The proof of some events as one document, for whoever has neither this server nor its database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from portal.audit import chain
from portal.audit.models import Event, Seal
from portal.audit.sealing import PROOF_VERSION, STAMPED, levels_of, moment, path_in


def proof_of(event_ids: Iterable[int]) -> dict[str, Any]:
    """What `sealing.faults_of` checks, ready for JSON: the events, the way from each to its seal, the signed seals.

    `unsealed` are the ids of events that no seal lists; one that just happened is sealed within two seconds. Three
    queries, however many events there are.
    """
    events = list(Event.objects.filter(pk__in=list(event_ids)).order_by("pk"))
    sealed = chain.seals_of((each.pk, each.xid) for each in events)
    number_of = {pk: number for pk, (number, is_listed) in sealed.items() if is_listed}
    seals = Seal.objects.in_bulk(set(number_of.values()))
    levels = {number: levels_of(chain.leaves_of(seal)) for number, seal in seals.items()}
    return {
        "version": PROOF_VERSION,
        "seals": [_spelt_out(seals[number]) for number in sorted(seals)],
        "events": [
            _traced(each, seals[number], levels[number]) for each in events if (number := number_of.get(each.pk))
        ],
        "unsealed": [each.pk for each in events if each.pk not in number_of],
    }


def as_stamped(event: Event) -> dict[str, Any]:
    """The columns that the leaf covers, as it reads them."""
    found = {name: getattr(event, name) for name in STAMPED}
    return {**found, "at": moment(event.at), "recorded_at": moment(event.recorded_at)}


def _spelt_out(seal: Seal) -> dict[str, Any]:
    return {**asdict(chain.text_of(seal)), "key": seal.key, "signature": seal.signature}


def _traced(event: Event, seal: Seal, levels: list[list[bytes]]) -> dict[str, Any]:
    index = seal.event_ids.index(event.pk)
    path = [node.hex() for node in path_in(levels, index)]
    return {**as_stamped(event), "body": event.body, "seal": seal.number, "index": index, "path": path}
