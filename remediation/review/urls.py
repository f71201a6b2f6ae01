"""Addresses of the review pages."""

from django.urls import path

from remediation.review import proof_views, views, work_views

urlpatterns = [
    path("tickets/<str:key>/review", views.page, name="review"),
    path("tickets/<str:key>/review/live", views.live, name="review_live"),
    path("tickets/<str:key>/review/decide", views.decide, name="review_decide"),
    path("tickets/<str:key>/review/tick", views.tick, name="review_tick"),
    path("tickets/<str:key>/review/prepare", views.prepare_again, name="review_prepare"),
    path("tickets/<str:key>/review/redraft", views.redraft, name="review_redraft"),
    path("tickets/<str:key>/review/edit", work_views.edit, name="review_edit"),
    path("tickets/<str:key>/review/check", work_views.check, name="review_check"),
    path("tickets/<str:key>/review/changes", work_views.changes, name="review_changes"),
    path("tickets/<str:key>/review/cut", work_views.cut, name="review_cut"),
    path("tickets/<str:key>/review/take", work_views.take, name="review_take"),
    path("tickets/<str:key>/review/release", work_views.release, name="review_release"),
    path("tickets/<str:key>/review/look", work_views.look_again, name="review_look"),
    path("tickets/<str:key>/review/proof", proof_views.follow, name="review_proof"),
    path("tickets/<str:key>/review/prove", proof_views.prove, name="review_prove"),
    path("tickets/<str:key>/review/withdraw", work_views.withdraw, name="review_withdraw"),
]
