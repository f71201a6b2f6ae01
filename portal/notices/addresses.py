"""Which addresses a webhook may reach: the open internet, and the private networks that the installation names. Pure.

Addresses of the link (where clouds keep a machine's credentials) are never reached, whatever the installation says.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from portal.kit.refusals import Reason, because
from portal.notices.conf import Network

Address = IPv4Address | IPv6Address

NEVER: tuple[Network, ...] = (
    ip_network("169.254.0.0/16"),
    ip_network("fe80::/10"),
    ip_network("fd00:ec2::/32"),
    ip_network("100.100.100.200/32"),
    ip_network("0.0.0.0/8"),
    ip_network("::/128"),
    ip_network("224.0.0.0/4"),
    ip_network("ff00::/8"),
    ip_network("255.255.255.255/32"),
)
"""The link, the metadata services of AWS and Alibaba, this network, multicast, broadcast."""
NAT64 = IPv6Network("64:ff9b::/96")
LONGEST_URL = 2000


def is_allowed(address: Address, private: Sequence[Network]) -> bool:
    """Whether a webhook may be sent to this address."""
    real = _unwrapped(address)
    if any(real in network for network in NEVER):
        return False
    return real.is_global or is_named(real, private)


def is_named(address: Address, private: Sequence[Network]) -> bool:
    """Whether the address lies in one of the private networks."""
    real = _unwrapped(address)
    return any(real in network for network in private)


def problem_of(url: str, private: Sequence[Network]) -> Reason | None:
    """What is wrong with a webhook's URL as it is written; names are looked up when something is sent."""
    if not url.isascii() or len(url) > LONGEST_URL or any(letter <= " " or letter in "\\\x7f" for letter in url):
        return _about("Write it in ASCII without spaces, backslashes and control characters.")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return _about("This is not an address.")
    if parts.scheme not in ("https", "http") or not host:
        return _about("Write it as https://host/path.")
    if parts.username is not None or parts.fragment:
        return _about("Leave out user, password and fragment: the signature says who sends it.")
    if not _has_port(parts):
        return _about("A port is a number from 1 to 65535.")
    return _problem_of_host(host, is_plain=parts.scheme == "http", private=private)


def _has_port(parts: SplitResult) -> bool:
    """Whether the port, if one is written, is one that something can listen on."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def _problem_of_host(host: str, *, is_plain: bool, private: Sequence[Network]) -> Reason | None:
    address = literal(host)
    if is_plain and not _stays_private(host, address, private):
        return _about("Use https: http is for this host and for the private networks that the installation names.")
    if address is not None and not is_allowed(address, private):
        return _about(f"{host} is not an address that webhooks may reach (WEBHOOK_NETWORKS names private ones).")
    return None


def literal(host: str) -> Address | None:
    """The address that a host spells out in full; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _stays_private(host: str, address: Address | None, private: Sequence[Network]) -> bool:
    """Whether plain http could be right; a name other than localhost is only known when it is looked up."""
    return is_named(address, private) if address else host == "localhost"


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _about(text: str) -> Reason:
    return because("url", text, "url")
