"""The order of the rooms holds, and the check that says so notices every kind of violation."""

import pytest

from portal.launch import rooms

ORDER = ["portal.launch", "portal.kit", "portal.jobs", "remediation.connectors", "remediation.desk"]


def test_the_rooms_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert rooms.main() == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "source",
    [
        "import remediation.desk.models",
        "from remediation.desk import models",
        "from remediation import desk",
        "from .. import desk",
        "from ..desk.services import show",
        "def late():\n    from remediation.desk import services",
        "apps.get_model('desk.Page')",
        "apps.get_model('desk', 'Page')",
        "import_module('remediation.desk.services')",
    ],
)
def test_an_import_upward_is_found_however_it_is_written(source: str) -> None:
    found = rooms.violations({"remediation.connectors.services": source}, ORDER)
    assert found
    assert all("remediation.desk stands above remediation.connectors" in line for line in found)


@pytest.mark.parametrize(
    "source", ["from . import models", "from .models import Call", "from ..connectors import models"]
)
def test_a_room_may_import_itself(source: str) -> None:
    assert rooms.violations({"remediation.connectors.services": source}, ORDER) == []


def test_the_package_itself_resolves_relative_imports_from_its_own_folder() -> None:
    assert rooms.violations({"remediation.connectors.__init__": "from . import models"}, ORDER) == []
    assert rooms.violations({"remediation.connectors.__init__": "from ..desk import models"}, ORDER)


def test_a_room_may_import_the_rooms_before_it() -> None:
    assert (
        rooms.violations(
            {"remediation.desk.views": "from portal.kit import refusals\nimport portal.jobs.services"}, ORDER
        )
        == []
    )


@pytest.mark.parametrize("composer", ["settings", "urls", "checks", "wsgi"])
def test_nobody_imports_what_composes_the_rooms(composer: str) -> None:
    assert rooms.violations({"portal.kit.views": f"from portal import {composer}"}, ORDER)
    assert rooms.violations({"portal.kit.views": f"import portal.{composer}"}, ORDER)
    assert rooms.violations({"portal.settings": "from portal import checks"}, ORDER) == []


@pytest.mark.parametrize(
    ("library", "home", "elsewhere"),
    [
        ("django_q", "portal.jobs.broker", "portal.kit.views"),
        ("mcp", "remediation.connectors.client", "remediation.desk.views"),
        ("ansible_runner", "remediation.playbooks.proof", "remediation.connectors.client"),
    ],
)
def test_a_library_is_known_to_its_room_only(library: str, home: str, elsewhere: str) -> None:
    assert rooms.violations({home: f"import {library}.server"}, ORDER) == []
    assert rooms.violations({elsewhere: f"from {library} import server"}, ORDER)


def test_only_one_module_talks_to_the_model() -> None:
    one = {"remediation.drafting.claude": "import anthropic"}
    assert rooms.violations(one, ORDER) == []
    assert rooms.violations(one | {"remediation.drafting.tasks": "from anthropic import Anthropic"}, ORDER)


def test_a_name_that_only_looks_like_a_room_is_none() -> None:
    assert rooms.violations({"portal.kit.views": "import remediation.desktop\nimport mcp_types"}, ORDER) == []
