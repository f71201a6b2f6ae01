"""Connectors: the pairs of MCP servers through which the product sees and changes infrastructure."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from remediation.connectors.operations import Family

FAMILIES = [(family.value, family.value) for family in Family]

read_token_name = RegexValidator(r"^[A-Z][A-Z0-9_]*_READ_TOKEN$", "The name of a read token ends in _READ_TOKEN.")
write_token_name = RegexValidator(r"^[A-Z][A-Z0-9_]*_WRITE_TOKEN$", "The name of a write token ends in _WRITE_TOKEN.")


class Connector(models.Model):
    """One pair of MCP servers: one reads, one writes, each with a token of its own.

    Tokens are named here and live in the environment of the processes that may hold them (law 5). Tools are allowed by
    name and schema; a tool that changed since it was pinned is refused.
    """

    slug = models.SlugField(max_length=40, unique=True)
    name = models.TextField()
    families = ArrayField(models.CharField(max_length=20, choices=FAMILIES), default=list)
    read_url = models.URLField(help_text="Where the server listens that only reads.")
    write_url = models.URLField(
        blank=True, help_text="Where the server listens that writes; empty: nothing is written."
    )
    read_token_env = models.CharField(max_length=80, validators=[read_token_name])
    write_token_env = models.CharField(max_length=80, blank=True, validators=[write_token_name])
    provider = models.CharField(
        max_length=20, blank=True, help_text="Who in the worker itself writes, instead of a server: roles, or empty."
    )
    is_lab = models.BooleanField(default=False, help_text="Simulated: belongs to the lab.")
    is_enabled = models.BooleanField(default=True)
    pinned_tools = models.JSONField(default=dict, blank=True, help_text="Allowed tools: name to SHA-256 of the schema.")

    class Meta:
        """By slug; reading and writing never share a server or a token."""

        ordering: ClassVar = ["slug"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(write_url=F("read_url")),
                name="connector_reads_and_writes_apart",
                violation_error_message="Reading and writing are two servers: the addresses must differ.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
