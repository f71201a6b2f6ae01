"""Addresses of the queue and the ticket pages."""

from django.urls import path

from remediation.desk import ticket_views, timeline_views, views

urlpatterns = [
    path("", views.queue, name="queue"),
    path("queue/live", views.queue_live, name="queue_live"),
    path("tickets", views.tickets, name="tickets"),
    path("tickets/new", ticket_views.new, name="ticket_new"),
    path("tickets/<str:key>", ticket_views.page, name="ticket"),
    path("tickets/<str:key>/live", ticket_views.live, name="ticket_live"),
    path("tickets/<str:key>/timeline", ticket_views.timeline, name="ticket_timeline"),
    path("tickets/<str:key>/attempts", ticket_views.attempts, name="ticket_attempts"),
    path("tickets/<str:key>/evidence", ticket_views.add_evidence, name="ticket_evidence"),
    path("tickets/<str:key>/incident", timeline_views.incident, name="ticket_incident"),
    path("tickets/<str:key>/role", timeline_views.draft_role, name="ticket_role"),
    path("tickets/<str:key>/redraft", ticket_views.redraft, name="ticket_redraft"),
    path("tickets/<str:key>/close", ticket_views.close, name="ticket_close"),
]
