"""Addresses of the emergency stop, the freezes, the delegations and the rules of quorum."""

from django.urls import path

from portal.signoff import delegation_views, duty_views, quorum_views, views

urlpatterns = [
    path("stop", views.stop, name="stop"),
    path("stop/scopes", views.scopes, name="stop_scopes"),
    path("stop/engage", views.engage, name="stop_engage"),
    path("stop/<int:stop_id>/release", views.release, name="stop_release"),
    path("freezes", views.freezes, name="freezes"),
    path("freezes/add", views.add_freeze, name="add_freeze"),
    path("freezes/<int:freeze_id>/end", views.end_freeze, name="end_freeze"),
    path("delegations", delegation_views.delegations, name="delegations"),
    path("delegations/add", delegation_views.delegate, name="delegate"),
    path("delegations/<int:delegation_id>/end", delegation_views.end_delegation, name="end_delegation"),
    path("quorum", quorum_views.quorum, name="quorum"),
    path("quorum/add", quorum_views.keep_rule, name="add_rule"),
    path("quorum/<int:rule_id>", quorum_views.keep_rule, name="change_rule"),
    path("quorum/<int:rule_id>/remove", quorum_views.remove_rule, name="remove_rule"),
    path("duties", duty_views.table, name="duties"),
    path("duties/add", duty_views.keep, name="add_duty"),
    path("duties/<int:duty_id>", duty_views.keep, name="change_duty"),
    path("duties/<int:duty_id>/remove", duty_views.remove, name="remove_duty"),
]
