"""Addresses of the pages of postmortems."""

from django.urls import path

from remediation.postmortem import views

urlpatterns = [
    path("postmortems", views.index, name="postmortems"),
    path("tickets/<str:key>/postmortem", views.page, name="postmortem"),
    path("tickets/<str:key>/postmortem/draft", views.draft, name="postmortem_draft"),
    path("tickets/<str:key>/postmortem/edit", views.edit, name="postmortem_edit"),
    path("tickets/<str:key>/postmortem/versions", views.versions, name="postmortem_versions"),
    path("tickets/<str:key>/postmortem/markdown", views.as_markdown, name="postmortem_markdown"),
    path("tickets/<str:key>/postmortem/html", views.as_html, name="postmortem_html"),
]
