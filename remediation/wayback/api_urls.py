"""Addresses of the operations API, below /api/v1/."""

from django.urls import path

from remediation.wayback import api

urlpatterns = [path("operations", api.OperationList.as_view())]
