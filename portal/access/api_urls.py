"""Addresses of the token's own API, below /api/v1/."""

from django.urls import path

from portal.access import api, rights_api

urlpatterns = [
    path("tokens/current", api.CurrentToken.as_view()),
    path("grants", rights_api.Grants.as_view()),
]
