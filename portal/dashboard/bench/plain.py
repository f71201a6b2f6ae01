"""What accepting a ticket is compared with: a plain Django view with one INSERT, served like the product.

`gunicorn portal.dashboard.bench.plain`; its settings are the few lines below, so nothing of the product runs in it.
"""

from __future__ import annotations

import os

import django
import environ
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

TABLE = "CREATE TABLE IF NOT EXISTS bench_plain (id bigint GENERATED ALWAYS AS IDENTITY, text text NOT NULL)"


def insert(request: HttpRequest) -> HttpResponse:
    """Keep the body of the request."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_plain (text) VALUES (%s)", [request.body.decode()])
    return HttpResponse(status=201)


urlpatterns = [path("insert", insert)]


def serve() -> WSGIHandler:
    """The application."""
    database = {
        **environ.Env.db_url_config(os.environ["DATABASE_URL"]),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"], DATABASES={"default": database}, MIDDLEWARE=[], ROOT_URLCONF=__name__
    )
    django.setup()
    return WSGIHandler()
