"""Addresses of the review pages."""

from django.urls import path

from remediation.review import views

urlpatterns = [
    path("tickets/<str:key>/review", views.page, name="review"),
    path("tickets/<str:key>/review/live", views.live, name="review_live"),
    path("tickets/<str:key>/review/decide", views.decide, name="review_decide"),
    path("tickets/<str:key>/review/tick", views.tick, name="review_tick"),
    path("tickets/<str:key>/review/prepare", views.prepare_again, name="review_prepare"),
    path("tickets/<str:key>/review/redraft", views.redraft, name="review_redraft"),
    path("tickets/<str:key>/review/edit", views.edit, name="review_edit"),
]
