"""Addresses of the kit: only the style guide."""

from django.urls import path

from portal.kit import views

urlpatterns = [path("styleguide", views.styleguide, name="styleguide")]
