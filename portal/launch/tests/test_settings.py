"""Settings that protect people: what the site sends with every page, how keys and cookies follow the installation."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from portal.launch.installation import ROOT

ASKED = (
    *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECRET_KEY", "AUTO_REMEDIATION_ENABLED"),
    "DATABASES",
)


@pytest.mark.django_db
def test_every_page_carries_the_strict_policy_without_a_nonce(client: Client) -> None:
    page = client.get("/login")
    assert page.status_code == 200
    directives = dict(part.strip().split(" ", 1) for part in page["Content-Security-Policy"].split(";"))
    assert directives.pop("default-src") == "'none'"
    assert directives.pop("img-src") == "'self' data:"
    assert {directives[name] for name in ("base-uri", "frame-ancestors", "object-src")} == {"'none'"}
    assert {directives[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert page["X-Frame-Options"] == "DENY"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert page["Referrer-Policy"] == "same-origin"


def settings_under(**environment: str) -> dict[str, Any]:
    code = (
        "import json; from django.conf import settings\n"
        f"print(json.dumps({{name: getattr(settings, name) for name in {ASKED!r}}}))"
    )
    surroundings = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "portal.settings", **environment}
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT, env=surroundings)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_a_worker_that_stands_still_in_a_transaction_loses_it() -> None:
    """Or a frozen host would hold the rows of its runs, and nobody could take them over."""
    url = "postgres://somebody@/countersign?host=/tmp"
    worker = settings_under(COUNTERSIGN_PROCESS="execution", DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]
    site = settings_under(COUNTERSIGN_PROCESS="web", DATABASE_URL=url)["DATABASES"]["default"].get("OPTIONS", {})
    assert "idle_in_transaction_session_timeout" in worker["options"]
    assert "options" not in site


def test_https_is_one_switch() -> None:
    plain, secure = settings_under(), settings_under(HTTPS="true")
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert (plain[name], secure[name]) == (False, True)


def test_nothing_is_executed_unless_somebody_switches_it_on() -> None:
    assert settings_under()["AUTO_REMEDIATION_ENABLED"] == "false"


def test_a_process_without_the_sites_key_has_one_of_its_own() -> None:
    def key(**environment: str) -> str:
        return str(settings_under(**environment)["SECRET_KEY"])

    execution = {"COUNTERSIGN_PROCESS": "execution", "DATABASE_URL": "postgres://e:one@/d"}
    assert key(**execution) == key(**execution)
    assert key(**execution) != key(**execution | {"DATABASE_URL": "postgres://e:two@/d"})
    assert key(COUNTERSIGN_PROCESS="web", SECRET_KEY="the site's") == "the site's"
