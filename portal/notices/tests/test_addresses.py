"""Where a webhook may go: tables over the pure rules, and what the settings may say."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.notices import addresses, conf
from portal.notices.conf import networks

LOOPBACK = networks(["127.0.0.0/8", "::1/128"])
EVERYTHING = networks(["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_the_open_internet_is_reached(address: str) -> None:
    assert addresses.is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "127.0.0.1",
        "::1",
        "fd12::1",
        "100.64.0.1",
        "198.18.0.1",
        "::ffff:10.0.0.1",
    ],
)
def test_a_private_address_is_reached_only_if_the_installation_names_its_network(address: str) -> None:
    assert not addresses.is_allowed(ip_address(address), ())
    assert addresses.is_allowed(ip_address(address), EVERYTHING)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - nothing listens there
        "::",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_metadata_services_and_the_link_are_never_reached(address: str) -> None:
    assert not addresses.is_allowed(ip_address(address), EVERYTHING)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/a?b=c",
        "https://hooks.example.com:8443",
        "https://hooks.example.com:1/",
        "https://hooks.example.com:65535/",
        "http://127.0.0.1:9000/x",
        "http://localhost:9000/x",
        "http://[::1]/x",
        "https://93.184.216.34/",
    ],
)
def test_an_address_that_may_be_registered(url: str) -> None:
    assert addresses.problem_of(url, LOOPBACK) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/", "Use https"),
        ("http://93.184.216.34/", "Use https"),
        ("http://127.0.0.1.example.com/", "Use https"),
        ("https://169.254.169.254/latest/meta-data", "not an address that webhooks may reach"),
        ("https://[::ffff:169.254.169.254]/", "not an address that webhooks may reach"),
        ("https://10.1.2.3/", "not an address that webhooks may reach"),
        ("ftp://hooks.example.com/", "Write it as https"),
        ("file:///etc/passwd", "Write it as https"),
        ("https://", "Write it as https"),
        ("https://user:secret@hooks.example.com/", "Leave out user"),
        ("https://hooks.example.com/#top", "Leave out user"),
        ("https://hooks.example.com/a b", "in ASCII without spaces"),
        ("https://hooks.example.com/\r\nHost: other", "in ASCII without spaces"),
        ("https://hooks.example.com\\@evil.example.com/", "in ASCII without spaces"),
        ("https://höoks.example.com/", "in ASCII without spaces"),
        ("https://hooks.example.com:0/", "from 1 to 65535"),
        ("https://hooks.example.com:00/", "from 1 to 65535"),
        ("https://hooks.example.com:65536/", "from 1 to 65535"),
        ("https://hooks.example.com:-1/", "from 1 to 65535"),
        ("https://hooks.example.com:http/", "from 1 to 65535"),
        ("http://localhost:0/", "from 1 to 65535"),
        ("https://[::1/", "not an address"),
        (f"https://hooks.example.com/{'x' * 2000}", "in ASCII without spaces"),
    ],
)
def test_an_address_that_may_not(url: str, why: str) -> None:
    problem = addresses.problem_of(url, LOOPBACK)
    assert problem is not None
    assert why in problem.text
    assert problem.field == "url"


def test_loopback_is_reached_only_while_the_installation_says_so() -> None:
    assert addresses.problem_of("http://127.0.0.1/", ()) is not None
    assert addresses.problem_of("https://localhost/", ()) is None  # a name: judged when it is looked up


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, "", False, False)),
        ("smtp+tls://ops%40example.com@mail.example.com", ("mail.example.com", 587, "ops@example.com", True, False)),
        ("smtps://ops@mail.example.com:4650", ("mail.example.com", 4650, "ops", False, True)),
    ],
)
def test_the_mail_server_is_one_setting(url: str, expected: tuple[object, ...]) -> None:
    names = ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_USE_TLS", "EMAIL_USE_SSL")
    found = conf.mail(url, "s3cret")
    assert tuple(found[name] for name in names) == expected
    assert found["EMAIL_HOST_PASSWORD"] == "s3cret"


def test_mail_is_off_unless_somebody_names_a_server() -> None:
    assert conf.mail("", "") == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize(
    ("url", "why"),
    [("smtp://ops:s3cret@mail.example.com", "MAIL_PASSWORD"), ("http://mail", "begins with"), ("smtp://", "a host")],
)
def test_a_mail_server_that_cannot_be_is_refused_at_the_start_without_its_password(url: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why) as refusal:
        conf.mail(url, "")
    assert "s3cret" not in str(refusal.value)


def test_a_network_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="WEBHOOK_NETWORKS"):
        networks(["10.0.0.0/8", "the office"])
