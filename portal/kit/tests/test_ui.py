"""The template tags, and that templates, sprite and vendored files agree with each other."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from portal.kit import labels, slots
from portal.kit.slots import NavItem

ROOT: Path = settings.BASE_DIR
VENDOR = ROOT / "portal/kit/static/vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SPRITE = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "icons.svg").read_text()))


def rendered(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.fixture
def request_() -> HttpRequest:
    request = RequestFactory().get("/queue/INC-1")
    request.user = AnonymousUser()
    return request


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_items", defaultdict(list))
    monkeypatch.setattr(slots, "_fillers", defaultdict(list))


@pytest.mark.parametrize(
    ("seconds", "way", "words"),
    [(75.2, "up", "1 min 15 s"), (-3.0, "up", "0.0 s"), (12.0, "down", "12 s"), (0.0, "down", "over")],
)
def test_a_clock_reads_well_before_scripts_let_it_run(seconds: float, way: str, words: str) -> None:
    html = rendered('{% counting seconds way "over" %}', seconds=seconds, way=way)
    assert html.endswith(f">{words}</span>")
    assert f'data-seconds="{seconds:.1f}"' in html


def test_an_unknown_value_is_shown_in_words() -> None:
    assert rendered('{% tag "status" value %}', value="half_done") == '<span class="tag plain">Half done</span>'


def test_a_value_from_outside_is_escaped() -> None:
    assert "<script>" not in rendered('{% tag "status" v %}{% symbol "risk" v v %}{{ v|word:"level" }}', v="<script>")


def test_every_tag_says_it_in_words_and_draws_a_known_icon() -> None:
    for known in labels.KINDS.values():
        assert len({label.text for label in known.values()}) == len(known)
        assert {label.icon for label in known.values()} - {""} <= SPRITE


@pytest.mark.parametrize(
    ("answer", "words"), [(True, "passed"), (False, "failed"), (None, "no probe"), ("pending", "not run yet")]
)
def test_a_verdict_is_read_aloud_with_its_name(answer: object, words: str) -> None:
    assert f'aria-label="Backup: {words}"' in rendered('{% symbol "verdict" answer "Backup" %}', answer=answer)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "just now"),
        (61, "1 min ago"),
        (7300, "2 h ago"),
        (90000, "1 day ago"),
        (180000, "2 days ago"),
        (-130, "in 2 min"),
    ],
)
def test_times_are_relative_for_people_and_exact_for_machines(seconds: int, words: str) -> None:
    at = timezone.now() - timedelta(seconds=seconds)
    html = rendered("{% ago at %}", at=at)
    assert f">{words}</time>" in html
    assert datetime.fromisoformat(re.findall('datetime="([^"]+)"', html)[0]) == at.replace(microsecond=0)
    assert ("data-ago" in html) == (seconds > 0)


def test_unknown_is_not_zero() -> None:
    assert "no data" in rendered("{{ value|or_no_data }}", value=None)
    assert rendered('{{ value|or_no_data:" %" }}', value=0) == "0 %"


def test_a_slot_shows_what_rooms_registered_in_order(request_: HttpRequest) -> None:
    slots.register("aside", "components/empty.html", lambda request, ticket: {"title": f"late {ticket}"}, order=60)
    slots.register("aside", "components/empty.html", lambda request, ticket: {"title": f"early {ticket}"}, order=10)
    slots.register("aside", "components/empty.html", lambda request, ticket: None)
    html = rendered('{% slot "aside" "INC-1" %}', request=request_)
    assert re.findall(r"<h3>(.*?)</h3>", html) == ["early INC-1", "late INC-1"]


def test_the_navigation_shows_what_the_person_may_see(request_: HttpRequest) -> None:
    slots.add(
        "nav", NavItem("Guide", "styleguide", "book-2", 1, permitted=lambda request: True, count=lambda request: 4)
    )
    slots.add("nav", NavItem("Settings", "admin:index", "settings", 2, permitted=slots.staff))
    html = rendered(
        "{% navigation as entries %}{% for e in entries %}{{ e.label }} {{ e.count }};{% endfor %}", request=request_
    )
    assert html == "Guide 4;"


@pytest.mark.parametrize(("path", "current"), [("/styleguide", True), ("/styleguide/x", True), ("/styleguides", False)])
def test_an_entry_is_current_for_its_own_pages_only(path: str, *, current: bool) -> None:
    slots.add("nav", NavItem("Guide", "styleguide", "book-2", 1, permitted=lambda request: True))
    html = rendered("{% navigation as entries %}{{ entries.0.current }}", request=RequestFactory().get(path))
    assert html == str(current)


def test_a_command_keeps_its_options_whole() -> None:
    html = rendered("{{ text|unbroken }}", text="scale --replicas=6 <x>")
    assert re.findall(r'<span class="word">(.*?)</span>', html) == ["scale", "--replicas=6", "&lt;x&gt;"]


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    named = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}
    assert named
    assert named <= SPRITE


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_obey_the_content_security_policy(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|https?://", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\{#[^}]*\n", text), "a {# comment #} of several lines is printed"


def test_every_component_says_what_it_needs() -> None:
    for path in TEMPLATES:
        if path.parent.name == "components":
            assert re.search(r"{(#|% comment %}).*?Context:", path.read_text(), re.DOTALL), path


def test_the_table_of_vendored_files_is_true() -> None:
    table = (ROOT / "docs/vendored.md").read_text()
    digests = dict(re.findall(r"^\| `([^`]+)` .*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    licences = set(re.findall(r"`([\w.-]+\.LICENSE\.txt)`", table))
    files = {path.name: path for path in VENDOR.iterdir()}
    assert set(files) == set(digests) | licences
    assert {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in digests} == digests
    assert not [name for name, path in files.items() if b"sourceMappingURL" in path.read_bytes()]
