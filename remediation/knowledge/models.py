"""The runbook library as it stands in this installation."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from portal.kit.actors import Ref


class Runbook(models.Model):
    """One version of one runbook is in the library; `text` is Markdown with the front matter of `procedures`."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.TextField()
    category_slug = models.TextField()
    version = models.PositiveIntegerField()
    text = models.TextField()
    role = models.TextField(default="", help_text="The role it brings (canonical); empty without one.")
    digest = models.CharField(max_length=64)
    is_active = models.BooleanField(default=True, help_text="Whether drafters may use it.")
    loaded_at = models.DateTimeField()

    class Meta:
        """By category, then by title."""

        ordering: ClassVar = ["category_slug", "title"]

    def __str__(self) -> str:
        return self.title

    @property
    def ref(self) -> Ref:
        """The runbook as a value."""
        return Ref("knowledge.runbook", self.pk, self.slug)
