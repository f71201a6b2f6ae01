"""The product's settings with the errands added."""

from portal.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "portal.jobs.tests.errands"]  # noqa: F405
