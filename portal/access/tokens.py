"""Issues, finds and revokes tokens. A token is 256 random bits; its SHA-256 is all that is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from portal.access import grants
from portal.access.models import Person, Scope, Token
from portal.audit import services as audit
from portal.kit import statements
from portal.kit.actors import Actor, Ref
from portal.kit.refusals import Refused, StaleTransition, because

MARK = "cs_"

# Every request of the API asks this. Written out it costs a third of what building the same query each time costs.
_TOKEN = [field.attname for field in Token._meta.concrete_fields]
_PERSON = [field.attname for field in Person._meta.concrete_fields if field.name != "password"]
_FIND = f"""
SELECT {", ".join(f"token.{name}" for name in _TOKEN)}, {", ".join(f"person.{name}" for name in _PERSON)},
       access_rights(person.id)
  FROM access_token AS token JOIN access_person AS person ON person.id = token.person_id
 WHERE token.digest = %s
"""  # noqa: S608 - names of our own columns


def issue(
    *, person: Person, name: str, scopes: Iterable[str], actor: Actor, at: datetime, expires_at: datetime | None = None
) -> tuple[Token, str]:
    """A new token and its text; the text cannot be shown again."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in Scope.values]
    if unknown or not wanted:
        raise Refused(because("scope", f"Choose scopes from {', '.join(Scope.values)}.", "scopes"))
    text = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = Token.objects.create(
            person=person,
            name=name,
            prefix=text[:9],
            digest=digest_of(text),
            scopes=wanted,
            created_at=at,
            expires_at=expires_at,
        )
        audit.record("token.issued", actor=actor, at=at, subject=_ref(token), data={"scopes": wanted, "name": name})
    return token, text


def revoke(*, token_id: int, actor: Actor, at: datetime) -> Token:
    """The token stops working with the next request."""
    with transaction.atomic():
        token = Token.objects.select_for_update().select_related("person").get(pk=token_id)
        if token.revoked_at:
            raise StaleTransition(because("revoked", "This token has been revoked before."))
        token.revoked_at = at
        token.save(update_fields=["revoked_at"])
        audit.record("token.revoked", actor=actor, at=at, subject=_ref(token))
    return token


def digest_of(text: str) -> str:
    """What is kept of a token's text. A fast hash is right for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(text.encode()).hexdigest()


def find(text: str, *, at: datetime) -> Token | None:
    """The live token behind a text, with its person and what the person may do; one query, written out once."""
    with statements.cursor() as cursor:
        cursor.execute(_FIND, [digest_of(text)])
        row = cursor.fetchone()
    if row is None:
        return None
    token = Token.from_db(connection.alias, _TOKEN, row)
    token.person = Person.from_db(connection.alias, _PERSON, row[len(_TOKEN) : -1])
    grants.remember(token.person, row[-1])
    ended = token.revoked_at or (token.expires_at and token.expires_at <= at)
    return None if ended or not token.person.is_active else token


def _ref(token: Token) -> Ref:
    return Ref("access.token", token.pk, f"{token.prefix}… of {token.person.username}")
