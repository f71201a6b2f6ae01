"""The bundle for people: one page without script, worked out from the same rows that the bundle holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from remediation.tickets.models import Severity

Row = Mapping[str, Any]
HERE = Path(__file__).parent


def page_of(tables: Mapping[str, Any], sheets: Mapping[str, str], *, key: str, at: datetime) -> str:
    """`index.html` of a bundle."""
    names = {person["id"]: person["full_name"] or person["username"] for person in tables["people"]}
    names[None] = ""
    context = {
        "ticket": {**tables["ticket"], "severity": Severity(tables["ticket"]["severity"]).label},
        "opened_by": names[tables["ticket"]["opened_by_id"]],
        "made_at": at,
        "key": key,
        "css": _style("index.css"),
        "sheet_css": _style("sheet.css"),
        "attempts": tables["attempts"],
        "revisions": [{**row, "by": names[row["author_id"]] or row["drafter"]} for row in tables["revisions"]],
        "gates": tables["gates"],
        "objections": [{**row, "by": names[row["person_id"]]} for row in tables["objections"]],
        "decisions": tables["decisions"],
        "plans": [_plan(plan, tables["votes"], sheets, names) for plan in tables["plans"]],
        "certificates": tables["certificates"],
        "runs": [_run(run) for run in tables["runs"]],
        "feedback": [{**row, "by": names[row["person_id"]]} for row in tables["feedback"]],
        "events": tables["trail"]["events"],
    }
    return render_to_string("dashboard/bundle/index.html", context)


def _plan(plan: Row, votes: list[Row], sheets: Mapping[str, str], names: Mapping[int | None, str]) -> Row:
    shown = {name.split("/")[1].split(".")[0]: (name, text) for name, text in sheets.items()}
    own = [vote for vote in votes if vote["plan_id"] == plan["id"]]
    return {
        **plan,
        "made_by": [names[each] for each in plan["makers"]],
        "votes": [
            {
                **vote,
                "by": names[vote["person_id"]],
                "instead_of": names[vote["principal_id"]] if vote["principal_id"] != vote["person_id"] else "",
                "sheet": shown.get(vote["sheet"]),
            }
            for vote in own
        ],
    }


def _run(run: Row) -> Row:
    numbers = {step["id"]: step["number"] for step in run["steps"]}
    return {**run, "outputs": [{**output, "step": numbers[output["step_id"]]} for output in run["outputs"]]}


def _style(name: str) -> SafeString:
    """A stylesheet in the page itself, which has no other file beside it that a browser would take."""
    return SafeString(f"<style>\n{(HERE / name).read_text()}</style>")
