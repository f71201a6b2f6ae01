"""Every operation of the API, asked by every role with requests that somebody made up, answers as its document says.

Half of the requests fit the document, half break it on purpose. None may end in an error of the server, in a status or
a shape that is not documented, and none that breaks the document may be accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.access.testing import caller
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import in_review
from remediation.review import testing as review

EXAMPLES = 12
KEYS = ("INC-1", "INC-2")
REFUSED = {"negative_data_rejection": {"expected-statuses": ["4xx"]}}


def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    """All of the document, but for its tokens: those are good here, and not for anybody to make up."""
    text = (Path(settings.BASE_DIR) / "docs" / "openapi.yaml").read_text()
    document = yaml.load(text, Loader=yaml.CSafeLoader)  # every test process reads it to find its tests
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    config = SchemathesisConfig.from_dict({"checks": REFUSED})
    found = schemathesis.openapi.from_dict(document, config=config).get_all_operations()
    return [each.ok() for each in found if isinstance(each, Ok)]


CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture(scope="module")
def world(prepared: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The name of a database and the tokens in it, made once: every operation meets a copy that nobody has touched."""
    return prepared(issued)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def starting_point(world: tuple[str, dict[str, str]]) -> str:
    return world[0]


@pytest.fixture
def bearers(world: tuple[str, dict[str, str]], committed_db: str, lab: LabProcess) -> dict[str, str]:
    return world[1]


def issued() -> dict[str, str]:
    """A token of every role, in a world with a ticket in review and one that nobody has drafted yet."""
    review.world()
    cast = review.people()
    in_review(caller(cast["engineer"]), KEYS[0])
    review.ticket(cast["engineer"], KEYS[1])
    return {role: f"Bearer {token_of(person)}" for role, person in cast.items()}


def token_of(person: Person) -> str:
    actor = person.at("command")
    return tokens.issue(person=person, name="t", scopes=Scope.values, actor=actor, at=timezone.now())[1]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_it_answers_as_documented(operation: APIOperation[Any, Any, Any, Any], bearers: dict[str, str]) -> None:
    application = get_wsgi_application()

    @hypothesis_settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def answers(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(mode))
        if "ticket_id" in case.path_parameters and data.draw(st.booleans()):
            case.path_parameters["ticket_id"] = data.draw(st.sampled_from(KEYS))
        role = data.draw(st.sampled_from(sorted(bearers)))
        headers = {"Authorization": bearers[role]}
        response = case.call(app=application, headers=headers)
        case.validate_response(response, checks=CHECKS, headers=headers)

    answers()
