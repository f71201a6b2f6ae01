"""Sends letters as plain mail through Django's mail backend."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import BadHeaderError

from portal.notices import wording
from portal.notices.failures import Rejected, Unreachable
from portal.notices.models import Letter
from portal.notices.wording import Said

_REFUSES_ONE = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, BadHeaderError, UnicodeError)


class Mailbox:
    """One conversation with the mail server, for several letters."""

    def __init__(self) -> None:
        self._server = get_connection()

    def send(self, letter: Letter, messages: Sequence[Said]) -> None:
        """Hand over one letter. Raises Rejected or Unreachable."""
        mail = _mail(letter, messages)
        mail.connection = self._server
        try:
            self._server.open()
            mail.send()
        except _REFUSES_ONE as refusal:
            raise Rejected(_described(refusal)) from refusal
        except (smtplib.SMTPException, OSError) as failure:
            raise Unreachable(_described(failure)) from failure

    def close(self) -> None:
        """Say goodbye; a server that is gone does not mind."""
        with suppress(smtplib.SMTPException, OSError):
            self._server.close()


@contextmanager
def opened() -> Iterator[Mailbox]:
    """The mail server; it is called with the first letter."""
    box = Mailbox()
    try:
        yield box
    finally:
        box.close()


def _mail(letter: Letter, messages: Sequence[Said]) -> EmailMessage:
    """A mail whose Message-ID is the letter's own, the same however often it is sent."""
    to = letter.person.email if letter.person else ""
    if not to:
        raise Rejected("The person has no e-mail address any more.")
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {"Message-ID": f"<{letter.uid}@{host}>", "Auto-Submitted": "auto-generated"}
    body = wording.mail_of(messages, site=settings.SITE_URL)
    return EmailMessage(wording.subject_of(messages), body, settings.MAIL_FROM, [to], headers=headers)


def _described(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"
