"""What the documentation tells receivers of webhooks to do works, and its table of kinds is complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import pytest
from django.conf import settings
from django.utils import timezone

from portal.access.testing import person
from portal.jobs.testing import drain
from portal.notices import outlets
from portal.notices import services as notices
from portal.notices.kinds import KINDS
from portal.notices.tests.servers import web

PAGE = (settings.BASE_DIR / "docs" / "notices.md").read_text()
Check = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture
def is_genuine() -> Check:
    """The function on the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module: dict[str, object] = {}
    exec(code, module)  # noqa: S102 - our own page
    return cast("Check", module["is_genuine"])


@pytest.mark.django_db
def test_the_documented_check_accepts_what_was_sent_and_nothing_else(is_genuine: Check) -> None:
    with web() as server:
        petra = person("petra", "policy admin")
        _, secret = outlets.register(
            name="on-call", url=server.url(), kinds=(), person=petra, door="page", at=timezone.now()
        )
        notices.tell([], kind="stop", ticket_key="", text="Stopped.", path="/stop", at=timezone.now(), key="1")
        drain("general")
    (request,) = server.received
    assert is_genuine(secret, request.headers, request.body)
    assert not is_genuine("whsec_other", request.headers, request.body)
    assert not is_genuine(secret, request.headers, request.body.replace(b"Stopped", b"Started"))
    older = {**request.headers, "Countersign-Timestamp": str(int(request.headers["Countersign-Timestamp"]) - 1)}
    assert not is_genuine(secret, older, request.body)


@pytest.mark.django_db
def test_a_letter_replayed_later_is_refused_by_the_documented_check(is_genuine: Check) -> None:
    from portal.notices.webhooks import signature

    long_ago = str(int(timezone.now().timestamp()) - 3600)
    headers = {"Countersign-Timestamp": long_ago, "Countersign-Signature": signature("s", long_ago, b"{}")}
    assert not is_genuine("s", headers, b"{}")


def test_the_page_lists_every_kind() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert listed == list(KINDS)
