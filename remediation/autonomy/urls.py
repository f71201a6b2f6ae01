"""Addresses of the certificate pages."""

from django.urls import path

from remediation.autonomy import views

urlpatterns = [
    path("certificates", views.certificates, name="certificates"),
    path("certificates/<int:certificate_id>", views.certificate, name="certificate"),
    path("certificates/<int:certificate_id>/sign", views.sign, name="certificate_sign"),
    path("certificates/<int:certificate_id>/revoke", views.revoke, name="certificate_revoke"),
    path("patterns/<int:pattern_id>/certificate", views.ask, name="certificate_ask"),
]
