"""The kinds of notice: what each is about, whether it comes by e-mail unless one says otherwise. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. A mandatory one cannot be switched off in the inbox; `by_mail` is what holds until a person chooses."""

    slug: str
    title: str
    about: str
    by_mail: bool = True
    is_mandatory: bool = False


class UnknownKind(LookupError):
    """No such kind of notice is listed here."""


_ALL = (
    Kind("stop", "Emergency stop", "A stop was engaged or released.", is_mandatory=True),
    Kind(
        "partial",
        "Partial results",
        "A run changed something and did not end as planned.",
        is_mandatory=True,
    ),
    Kind("reminder", "Asked to sign", "A plan waits for your signature, and later that it still waits."),
    Kind("escalation", "Asked as the backup", "A plan waits, and whoever was asked first has not signed it."),
    Kind("expiry", "About to expire", "A plan that you were asked to sign ends soon."),
    Kind("review", "Your drafts and signatures", "A draft of yours met an objection, or a plan you are part of ended."),
    Kind("delegation", "Delegations", "Somebody lets you sign in their stead."),
    Kind("run", "Runs", "A run started to wait for people, or ended.", by_mail=False),
    Kind("request", "Pull requests", "The pull request of a role was opened, merged, closed, changed or spoken about."),
    Kind("brake", "Failures in a row", "Runs failed again and again; workers wait until somebody looks."),
    Kind("account", "Accounts", "Something happened to your account, or to one you look after.", is_mandatory=True),
    Kind("job", "Jobs", "A job is dead, or something cannot run by the clock."),
    Kind("certificate", "Certificates", "A certificate was asked for, granted, revoked, or runs out."),
)
KINDS: dict[str, Kind] = {kind.slug: kind for kind in _ALL}
TEST = Kind("test", "Test", "Sent by hand, to see whether a channel works.")


def kind_of(slug: str) -> Kind:
    """The kind of this name; raises UnknownKind."""
    if slug == TEST.slug:
        return TEST
    try:
        return KINDS[slug]
    except KeyError:
        raise UnknownKind(f"There is no kind of notice {slug!r}: list it in portal/notices/kinds.py.") from None
