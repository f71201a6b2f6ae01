"""Addresses of the inbox, of what comes where, and of what leaves the site."""

from django.urls import path

from portal.notices import delivery_views, views

urlpatterns = [
    path("notices", views.inbox, name="notices"),
    path("notices/read", views.mark_read, name="notices_read"),
    path("notices/<int:notice_id>/read", views.mark_one_read, name="notice_read"),
    path("notices/preferences", views.choose, name="notices_preferences"),
    path("notices/delivery", delivery_views.delivery, name="notices_delivery"),
    path("notices/delivery/retry", delivery_views.try_all_again, name="letters_retry"),
    path("notices/delivery/webhooks", delivery_views.register, name="webhook_new"),
    path("notices/delivery/webhooks/<int:outlet_id>", delivery_views.change, name="webhook"),
    path("notices/delivery/webhooks/<int:outlet_id>/secret", delivery_views.new_secret, name="webhook_secret"),
    path("notices/delivery/outlets/<int:outlet_id>/test", delivery_views.try_out, name="outlet_test"),
    path("notices/delivery/letters/<int:letter_id>/retry", delivery_views.try_again, name="letter_retry"),
    path("notices/delivery/letters/<int:letter_id>/discard", delivery_views.discard, name="letter_discard"),
]
