"""The account that signs under certificates. Deactivating it switches every machine's vote off at once."""

from __future__ import annotations

from portal.access.models import Person

ACCOUNT = "autonomy"


def load() -> None:
    """Make the machine account, once; it has no password and no token, so nobody signs in as it."""
    if not Person.objects.filter(username=ACCOUNT).exists():
        Person.objects.create_user(ACCOUNT, full_name="Autonomy, under certificates", kind=Person.Kind.MACHINE)
