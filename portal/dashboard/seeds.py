"""What a new installation starts with, and what a demonstration adds: people, estate, the lab's targets, a token."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from datetime import datetime
from pathlib import Path

import yaml
from django.conf import settings
from django.db import transaction

from portal.access import seed as access
from portal.access import tokens
from portal.access.models import Person, Scope
from portal.estate import seed as estate
from portal.kit.actors import Actor
from portal.signoff import duties, ruling
from remediation.autonomy import seed as autonomy
from remediation.connectors import seed as connectors
from remediation.connectors.lab import first_day
from remediation.connectors.operations import Family
from remediation.knowledge import services as knowledge
from remediation.playbooks import labhosts
from remediation.playbooks.repository import demo
from remediation.policy import seed as policies

OPERATOR_OF_THE_SEED = Actor("system", None, "seed", "command")
SERVICE_WORDS = {"payments": "payments", "log-ship": "log-shipping", "shop": "web-shop", "web-": "web-shop"}


def load(at: datetime) -> None:
    """What every installation needs; running it again keeps what people changed."""
    with transaction.atomic():
        access.load_roles()
        estate.load_categories()
        policies.load(at)
        ruling.load()
        knowledge.load(at)
        autonomy.load()


def load_demo(at: datetime, *, keep_in: Path) -> None:
    """People who can sign in, a token, services, the lab and its targets, the role repository of `make run`.

    Password and token are kept in a file.
    """
    known = _kept(keep_in)
    connectors.load(at)
    with transaction.atomic():
        access.load_people(known["password"])
        duties.load(approver=Person.objects.get(username="ana"), backup=Person.objects.get(username="arun"))
        estate.load_services()
        estate.load_signals()
        _load_lab_targets()
        token = known["token"] or _issue(at)
    _make_lab_hosts(keep_in.parent / "lab", at)
    _keep(keep_in, known["password"], token)
    role_repository = keep_in.with_name(demo.NAME)
    if settings.ROLE_REPOSITORY.url == str(role_repository):
        demo.make(role_repository, at=at)


def _load_lab_targets() -> None:
    estate.load_lab(
        estate.LabTarget(
            identity,
            name=identity.rpartition("/")[2].removeprefix("hosts:"),
            connector=connectors.slug_of(Family(identity.partition(":")[0])),
            service_slug=next((slug for word, slug in SERVICE_WORDS.items() if word in identity), None),
        )
        for identity in first_day.estate(0).targets()
    )


def put_back_lab_hosts(lab: Path, at: datetime) -> None:
    """The lab's Linux hosts as on their first day."""
    shutil.rmtree(lab / "hosts", ignore_errors=True)
    _make_lab_hosts(lab, at)


def _make_lab_hosts(lab: Path, at: datetime) -> None:
    """The lab's Linux hosts as folders that roles are played on, and the file that says where they are."""
    folder = lab / "hosts"
    names = [host.name for host in first_day.estate(0).hosts]
    for name in names:
        labhosts.create_lab_folder(folder / name, name, at=at)
    hosts = {"hosts": {name: {"folder": str(folder / name)} for name in names}}
    (lab / "ansible-hosts.yml").write_text(yaml.safe_dump(hosts))


def _issue(at: datetime) -> str:
    """The engineer's token that the first page of the documentation uses."""
    engineer = Person.objects.get(username=access.DEMO[0].username)
    _, text = tokens.issue(person=engineer, name="first steps", scopes=Scope.values, actor=OPERATOR_OF_THE_SEED, at=at)
    return text


def _kept(file: Path) -> dict[str, str]:
    """Password and token of an earlier start, as long as the token still works here; else a new password."""
    known = json.loads(file.read_text()) if file.exists() else {}
    token = str(known.get("token", ""))
    is_ours = bool(token) and Person.objects.filter(tokens__digest=tokens.digest_of(token)).exists()
    password = str(known["people"][0]["password"]) if is_ours else secrets.token_urlsafe(9)
    return {"password": password, "token": token if is_ours else ""}


def _keep(file: Path, password: str, token: str) -> None:
    people = [{"username": each.username, "password": password, "role": each.role} for each in access.DEMO]
    text = json.dumps({"people": people, "token": token}, indent=2)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
