"""Every door of the product, as the code itself tells: what can be sent, pressed, called or enqueued.

A door is a route with a method that changes something, a model of the settings pages with what may be done to it, an
action there, a management command of ours, or a kind of job.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.management import get_commands
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver

from portal.access.models import Person
from portal.jobs import registry

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def found() -> set[str]:
    """The doors that this installation has."""
    return {*_routes(), *_settings(), *_commands(), *_jobs()}


def _routes() -> Iterator[str]:
    for route, view in _patterns(get_resolver()):
        if not route.startswith("admin/"):
            yield from (f"{method} /{route}" for method in _methods(view) if method in UNSAFE)


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield route, each.callback
        else:
            yield from _patterns(each, route)


def _methods(view: Any) -> list[str]:
    """What a view answers to; a function that does not say so answers to a POST."""
    made_of = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if made_of is not None:
        return [method for method in UNSAFE if hasattr(made_of, method.lower())]
    while view is not None:
        declared = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if declared is not None:
            return list(declared)
        view = getattr(view, "__wrapped__", None)
    return ["POST"]


def _settings() -> Iterator[str]:
    """What a superuser, whom no permission stops, can do there."""
    request = HttpRequest()
    request.user = Person(username="root", is_superuser=True, is_staff=True)
    for model, page in admin.site._registry.items():
        rights = page.get_model_perms(request)
        name = model._meta.label_lower
        yield from (f"settings {right} {name}" for right, has in rights.items() if has and right != "view")
        yield from (f"settings {action} {name}" for action in page.get_actions(request))


def _commands() -> Iterator[str]:
    rooms = {config.name for config in apps.get_app_configs() if not config.name.startswith(("django", "rest_"))}
    yield from (f"command {name}" for name, app in get_commands().items() if app in rooms)


def _jobs() -> Iterator[str]:
    """Kinds of the rooms; other tests register kinds of their own."""
    for each in registry.kinds():
        if ".tests." not in each.function.__module__:
            yield f"job {each.kind}"
