"""What the settings say about mail, and the networks that webhooks may reach."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Network = IPv4Network | IPv6Network
PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
"""Plain, STARTTLS, TLS from the first byte; the usual port of each."""
OFF = "django.core.mail.backends.dummy.EmailBackend"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The private networks that webhooks may reach."""
    try:
        return tuple(ip_network(text.strip()) for text in texts if text.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"WEBHOOK_NETWORKS: {error}.") from error


def mail(url: str, password: str) -> dict[str, Any]:
    """Django's EMAIL_ settings for MAIL_URL, such as smtp+tls://countersign@mail.example.com; empty means off.

    A password in the URL is refused: every process sees the URL, and only the general cluster MAIL_PASSWORD (law 5).
    """
    if not url:
        return {"EMAIL_BACKEND": OFF}
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ImproperlyConfigured("MAIL_URL begins with smtp://, smtp+tls:// or smtps:// and a host.")
    if parts.password is not None:
        raise ImproperlyConfigured("MAIL_URL holds a password: hand it to the general workers as MAIL_PASSWORD.")
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }
