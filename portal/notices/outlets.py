"""The verbs of webhooks and of dead letters: register, change, a new secret, a test; try again, put away."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, Ref
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.notices import addresses
from portal.notices.kinds import KINDS, TEST
from portal.notices.models import Letter, Message, Notice, Outlet, WebhookSecret
from portal.notices.states import NEXT, LetterState

MARK = "whsec_"
CONFIGURES = "notices.change_outlet"
MENDS = "notices.change_letter"


def register(
    *, name: str, url: str, kinds: Collection[str], person: Person, door: Door, at: datetime
) -> tuple[Outlet, str]:
    """A new webhook and its secret, which cannot be shown again."""
    _require(person, CONFIGURES)
    with transaction.atomic():
        outlet = Outlet(channel=Outlet.Channel.WEBHOOK, created_at=at)
        _describe(outlet, name=name, url=url, kinds=kinds)
        outlet.save()
        secret = _new_secret(outlet, at)
        _record("webhook.registered", outlet, person.at(door), at, _said(outlet))
    return outlet, secret


def change(
    outlet_id: int,
    *,
    name: str,
    url: str,
    kinds: Collection[str],
    is_enabled: bool,
    person: Person,
    door: Door,
    at: datetime,
) -> Outlet:
    """Another name, address or list of kinds for a webhook, or on and off."""
    _require(person, CONFIGURES)
    with transaction.atomic():
        outlet = _webhook(outlet_id)
        before = _said(outlet)
        _describe(outlet, name=name, url=url, kinds=kinds)
        outlet.is_enabled = is_enabled
        outlet.save(update_fields=["name", "url", "kinds", "is_enabled"])
        _record("webhook.changed", outlet, person.at(door), at, {"before": before, "after": _said(outlet)})
    return outlet


def new_secret(outlet_id: int, *, person: Person, door: Door, at: datetime) -> str:
    """A new secret for a webhook, which cannot be shown again; the old one signs nothing from here on."""
    _require(person, CONFIGURES)
    with transaction.atomic():
        outlet = _webhook(outlet_id)
        secret = _new_secret(outlet, at)
        _record("webhook.secret_changed", outlet, person.at(door), at, {})
    return secret


def try_out(outlet_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Send a test this way: to the webhook, or by mail to the person who asks."""
    _require(person, CONFIGURES)
    with transaction.atomic():
        outlet = Outlet.objects.get(pk=outlet_id)
        if not outlet.is_on:
            raise Refused(because("off", f"{outlet} is switched off."))
        text = f"A test of {outlet}, asked for by {person}."
        message = Message.objects.create(
            key=f"test:{secrets.token_hex(8)}", kind=TEST.slug, text=text, path="/notices/delivery", created_at=at
        )
        Notice.objects.create(message=message, person=person, is_in_inbox=False)
        jobs.enqueue("notices.spread", subject_id=message.pk, payload={"only": outlet.pk}, at=at)
        _record("outlet.tried_out", outlet, person.at(door), at, {})


def try_again(letter_id: int, *, person: Person, door: Door, at: datetime) -> Letter:
    """Give a dead letter a new set of tries; it goes out under the same id."""
    _require(person, MENDS)
    with transaction.atomic():
        letter = _dead(letter_id)
        move(letter, LetterState.WAITING, next_states=NEXT, column="state", tries=0, due_at=at, ended_at=None)
        _record("letter.retried", letter, person.at(door), at, {"error": letter.error})
        _ask_for(letter.outlet_id, at)
    return letter


def try_all_again(*, person: Person, door: Door, at: datetime) -> int:
    """The same for every letter that is dead by now; returns how many."""
    _require(person, MENDS)
    with transaction.atomic():
        dead = Letter.objects.select_for_update(skip_locked=True).filter(state=LetterState.DEAD)
        letters = list(dead.values_list("pk", "outlet_id"))
        Letter.objects.filter(pk__in=[pk for pk, _ in letters], state=LetterState.DEAD).update(
            state=LetterState.WAITING, tries=0, due_at=at, ended_at=None
        )
        for outlet in Outlet.objects.filter(pk__in={outlet for _, outlet in letters}):
            count = sum(each == outlet.pk for _, each in letters)
            _record("outlet.letters_retried", outlet, person.at(door), at, {"count": count})
            _ask_for(outlet.pk, at)
    return len(letters)


def discard(letter_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Letter:
    """Put a dead letter away for good, and say why."""
    _require(person, MENDS)
    if not reason.strip():
        raise Refused(because("reason", "Say why, in a few words.", "reason"))
    with transaction.atomic():
        letter = _dead(letter_id)
        note = f"{person}: {reason.strip()}"
        move(letter, LetterState.DISCARDED, next_states=NEXT, column="state", ended_at=at, note=note)
        data = {"reason": reason.strip(), "error": letter.error}
        _record("letter.discarded", letter, person.at(door), at, data)
    return letter


def _require(person: Person, permission: str) -> None:
    if not person.has_perm(permission):
        raise NotAllowed(because("configure", "Policy admins look after what leaves the site."))


def _describe(outlet: Outlet, *, name: str, url: str, kinds: Collection[str]) -> None:
    """What people say about a webhook, or Refused with everything that is wrong."""
    reasons = [addresses.problem_of(url, settings.WEBHOOK_NETWORKS)]
    if not name.strip():
        reasons.append(because("name", "Give it a name.", "name"))
    if unknown := sorted(set(kinds) - KINDS.keys()):
        reasons.append(because("kinds", f"There is no kind of notice {', '.join(unknown)}.", "kinds"))
    if found := [reason for reason in reasons if reason]:
        raise Refused(*found)
    outlet.name, outlet.url, outlet.kinds = name.strip(), url, sorted(set(kinds))


def _new_secret(outlet: Outlet, at: datetime) -> str:
    secret = MARK + secrets.token_urlsafe(32)
    WebhookSecret.objects.create(outlet=outlet, secret=secret, created_at=at)
    return secret


def _webhook(outlet_id: int) -> Outlet:
    return Outlet.objects.select_for_update().get(pk=outlet_id, channel=Outlet.Channel.WEBHOOK)


def _dead(letter_id: int) -> Letter:
    letter = Letter.objects.select_for_update().get(pk=letter_id)
    if letter.state != LetterState.DEAD:
        raise StaleTransition(because("not_dead", f"The letter is {letter.state} by now; somebody was first."))
    return letter


def _ask_for(outlet_id: int, at: datetime) -> None:
    jobs.enqueue("notices.send", subject_id=outlet_id, key=f"outlet:{outlet_id}", at=at)


def _said(outlet: Outlet) -> dict[str, Any]:
    return {"name": outlet.name, "url": outlet.url, "kinds": outlet.kinds, "is_enabled": outlet.is_enabled}


def _record(kind: str, subject: Outlet | Letter, actor: Actor, at: datetime, data: dict[str, Any]) -> None:
    audit.record(kind, actor=actor, at=at, subject=Ref(subject._meta.label_lower, subject.pk, str(subject)), data=data)
