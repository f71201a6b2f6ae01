"""A postmortem as a file: Markdown to the letter, or one HTML page that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from portal.kit import markdown
from remediation.postmortem.models import Version

STYLE = Path(__file__).parent / "export.css"
MARKDOWN, HTML = "text/markdown; charset=utf-8", "text/html; charset=utf-8"


def markdown_file(key: str, version: Version) -> HttpResponse:
    """The text as it is kept."""
    return _attached(version.text, MARKDOWN, f"{key}-postmortem.md")


def html_file(key: str, version: Version) -> HttpResponse:
    """The same as a page with its style inside; it runs no script and asks for no other file."""
    return _attached(page_of(key, version), HTML, f"{key}-postmortem.html")


def page_of(key: str, version: Version) -> str:
    """The page of a version."""
    context = {
        "key": key,
        "version": version,
        "body": markdown.html_of(version.text, start=1),
        "style": SafeString(f"<style>\n{STYLE.read_text()}</style>"),
    }
    return render_to_string("postmortem/export.html", context)


def _attached(text: str, content_type: str, name: str) -> HttpResponse:
    disposition = f'attachment; filename="{name.replace(":", "-")}"'
    return HttpResponse(text, content_type=content_type, headers={"Content-Disposition": disposition})
