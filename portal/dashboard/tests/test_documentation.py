"""What the documentation says is there, is there: links, named tests, settings, pictures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
READ_BY_SETTINGS = re.compile(r'\benv\.\w+\(\s*"([A-Z_]+)"')
NAMED_TEST = re.compile(r"`([^`\n]*)::(test_\w+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
GIVEN_BY_THE_LAUNCHER = {"COUNTERSIGN_PROCESS", "LAB_URL", "LAB_READ_TOKEN", "LAB_WRITE_TOKEN", "SECRET_KEY", "DEBUG"}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", PAGES, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(document.read_text()):
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        if link.startswith(("http://", "https://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", ["THREAT_MODEL.md", "docs/sign-off.md"])
def test_every_test_that_is_named_exists(document: str) -> None:
    named, module = [], ""
    for path, test in NAMED_TEST.findall((ROOT / document).read_text()):
        module = module if path == "…" else path
        named.append((module, test))
    known = {
        (path, function.name)
        for path in {path for path, _ in named}
        for function in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(function, ast.FunctionDef)
    }
    assert named
    assert set(named) - known == set()


def test_every_setting_is_documented() -> None:
    read = set(READ_BY_SETTINGS.findall((ROOT / "portal" / "settings.py").read_text()))
    text = (ROOT / "docs" / "operations.md").read_text() + (ROOT / "docs" / "drafting.md").read_text()
    assert len(read) > len(GIVEN_BY_THE_LAUNCHER)
    assert {name for name in read - GIVEN_BY_THE_LAUNCHER if f"`{name}`" not in text} == set()


def test_pictures_are_of_moderate_size() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()}
    assert "review.png" in sizes
    assert {name for name, size in sizes.items() if size > 250_000} == set()
