"""Django's settings: one file, everything that differs between installations comes from the environment."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONCE, NONE, SELF

from portal import checks
from portal.jobs.conf import q_cluster
from portal.jobs.registry import QUEUES
from portal.notices import conf
from remediation.playbooks.repository import conf as repository

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).absolute()
PORT = env.int("PORT", default=8000)

# Which of the product's processes this is decides which secrets it may hold (law 5).
COUNTERSIGN_PROCESS = checks.process_kind(env.str("COUNTERSIGN_PROCESS", default="command"))
checks.refuse_foreign_secrets(COUNTERSIGN_PROCESS, os.environ)


def _kept(name: str, default: str) -> str:
    """What `make run` keeps for commands typed by hand; other processes are given theirs."""
    kept = DATA_DIR / "secrets" / name
    if COUNTERSIGN_PROCESS == "command" and os.access(kept, os.R_OK):
        return kept.read_text().strip()
    return default


# --- database: one engine everywhere; ATOMIC_REQUESTS stays off, or a refusal would lose its own audit event

_database_url = env.str("DATABASE_URL", default="") or _kept("owner_url", "postgres://countersign_owner@/countersign")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **environ.Env.db_url_config(_database_url),
        "ENGINE": "portal.kit.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
if COUNTERSIGN_PROCESS in QUEUES:  # a worker that stands still in a transaction must not hold its rows for ever
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c idle_in_transaction_session_timeout=10s"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A process without the site's key (execution, general) signs only messages between its own workers, with a key that
# follows from its own database password: the same in all of them, and nobody else's.
SECRET_KEY = (
    env.str("SECRET_KEY", default="")
    or _kept("secret_key", "")
    or hashlib.sha256(f"countersign.process-key/1\n{_database_url}".encode()).hexdigest()
)

# --- what the installation decides

DEBUG = env.bool("DEBUG", default=False)
HTTPS = env.bool("HTTPS", default=False)
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

AUTO_REMEDIATION_ENABLED = env.str("AUTO_REMEDIATION_ENABLED", default="false").lower()  # false, lab or true (law 1)
AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR = env.int("AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR", default=10)
AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW = env.int("AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW", default=3)
AUTO_REMEDIATION_REQUIRE_APPROVAL = env.bool("AUTO_REMEDIATION_REQUIRE_APPROVAL", default=True)
AUTO_REMEDIATION_MIN_RELIABILITY = env.int("AUTO_REMEDIATION_MIN_RELIABILITY", default=85)
RUN_SETTLE_SECONDS = env.float("RUN_SETTLE_SECONDS", default=30.0)  # the longest a verify may take to hold
RUN_REACH_SECONDS = env.float("RUN_REACH_SECONDS", default=20.0)  # how long a server that is away is asked again
RUN_WRITE_SECONDS = env.float("RUN_WRITE_SECONDS", default=60.0)  # the longest to wait for the answer to a write
RUN_WATCH_SECONDS = env.float("RUN_WATCH_SECONDS", default=15.0)  # from one look at the watched signals to the next
PLAY_SECONDS = env.float("PLAY_SECONDS", default=300.0)  # the longest a role may be played on one host
ANSIBLE_HOSTS = env.str("ANSIBLE_HOSTS", default="")  # the file that says how hosts are reached; execution alone has it
PROMETHEUS_URL = env.str("PROMETHEUS_URL", default="")
PATTERN_MIN_OCCURRENCES = env.int("PATTERN_MIN_OCCURRENCES", default=5)
PATTERN_MIN_POSITIVE_RATE = env.int("PATTERN_MIN_POSITIVE_RATE", default=85)
CERTIFICATE_MIN_TICKETS = env.int("CERTIFICATE_MIN_TICKETS", default=20)
CERTIFICATE_MIN_LOWER_BOUND = env.int("CERTIFICATE_MIN_LOWER_BOUND", default=85)  # percent
CERTIFICATE_DAYS = env.int("CERTIFICATE_DAYS", default=30)
SMALL_TEAM = env.bool("SMALL_TEAM", default=False)

ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="")
ANTHROPIC_MODEL = env.str("ANTHROPIC_MODEL", default="claude-sonnet-5-5")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default="https://api.anthropic.com")
ANTHROPIC_BUDGET_PER_TICKET_USD_CENTS = env.int("ANTHROPIC_BUDGET_PER_TICKET_USD_CENTS", default=200)

SITE_URL = env.str("SITE_URL", default=f"http://localhost:{PORT}")  # how people reach the site, for links that leave it
MAIL_URL = env.str("MAIL_URL", default="")
MAIL_FROM = env.str("MAIL_FROM", default="Countersign <countersign@localhost>")
MAIL_PASSWORD = env.str("MAIL_PASSWORD", default="")  # the general cluster alone has it
WEBHOOK_NETWORKS = conf.networks(env.list("WEBHOOK_NETWORKS", default=["127.0.0.0/8", "::1/128"]))
NOTICES_TIMEOUT_SECONDS = env.float("NOTICES_TIMEOUT_SECONDS", default=5.0)

LAB_URL = env.str("LAB_URL", default="")
LAB_READ_TOKEN = env.str("LAB_READ_TOKEN", default="")
LAB_WRITE_TOKEN = env.str("LAB_WRITE_TOKEN", default="")

ROLE_REPOSITORY = repository.remote(
    url=env.str("ROLE_REPOSITORY", default=""),
    branch=env.str("ROLE_REPOSITORY_BRANCH", default="main"),
    forge=env.str("ROLE_FORGE", default=""),
    forge_url=env.str("ROLE_FORGE_URL", default=repository.GITHUB),
    forge_repository=env.str("ROLE_FORGE_REPOSITORY", default=""),
    known_hosts=env.str("ROLE_REPOSITORY_KNOWN_HOSTS", default=""),
    token=env.str("FORGE_TOKEN", default=""),  # the general cluster alone has it
    key=env.str("FORGE_KEY", default=""),  # as above; the path of a file
)

SEAL_KEY = env.str("SEAL_KEY", default="") or _kept("seal_key", "")
AUDIT_ANCHOR = env.str("AUDIT_ANCHOR", default=str(DATA_DIR / "audit" / "anchor.jsonl"))
AUDIT_ANCHOR_CLASS = env.str("AUDIT_ANCHOR_CLASS", default="portal.audit.anchors.File")

# --- the rooms, from the bottom up

ROOMS = [
    "portal.kit",
    "portal.audit",
    "portal.estate",
    "portal.access",
    "portal.jobs",
    "portal.notices",
    "portal.signoff",
    "patterns",
    "remediation.tickets",
    "remediation.connectors",
    "remediation.knowledge",
    "remediation.drafting",
    "remediation.playbooks",
    "remediation.wayback",
    "remediation.policy",
    "remediation.review",
    "remediation.execution",
    "remediation.autonomy",
    "remediation.desk",
    "feedback",
    "remediation.postmortem",
    "portal.dashboard",
]
INSTALLED_APPS = [  # libraries first: a room may take a library's page out of the admin again
    "portal.access.adminsite.SettingsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_q",
    "csp",
    "drf_spectacular",
    "guardian",
    "rest_framework",
    *ROOMS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.kit.middleware.ReadableQueries",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.kit.middleware.RefusalPages",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # files come from the rooms themselves: nothing to collect before the first start
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- people

AUTH_USER_MODEL = "access.Person"
AUTHENTICATION_BACKENDS = ["portal.access.backends.GrantsBackend"]
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its tables are read by the backend above, not by its own
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"

# --- mail

vars().update(conf.mail(MAIL_URL, MAIL_PASSWORD))
EMAIL_TIMEOUT = NOTICES_TIMEOUT_SECONDS

# --- the browser's side of security

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],  # a nonce is sent only by a page that asks for one
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600  # a working day

# --- the API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.access.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "portal.access.authentication.HasScope",
    ],
    "DEFAULT_PARSER_CLASSES": ["portal.kit.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "portal.kit.openapi.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "portal.kit.problems.handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "AI drafts the fix. People countersign it. Evidence earns autonomy.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],  # enumerations stand where they are used
}

# --- the worker clusters

Q_CLUSTER = q_cluster(os.environ)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}
