"""Addresses of the certificates API, below /api/v1/."""

from django.urls import path

from remediation.autonomy import api

urlpatterns = [
    path("certificates", api.CertificateList.as_view()),
    path("certificates/<int:certificate_id>", api.CertificateDetail.as_view()),
    path("certificates/<int:certificate_id>/sign", api.CertificateSign.as_view()),
    path("certificates/<int:certificate_id>/revoke", api.CertificateRevoke.as_view()),
]
