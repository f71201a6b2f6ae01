"""What can be done to a connector besides configuring it: pinning its tools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from portal.audit import services as audit
from portal.kit.actors import Actor, Ref
from portal.kit.refusals import Reason, Refused
from remediation.connectors.models import Connector


def pin_tools(*, slug: str, tools: Mapping[str, str], actor: Actor, at: datetime) -> Connector:
    """Allow exactly these tools, by name and schema digest; whatever was pinned before is replaced."""
    with transaction.atomic():
        connector = Connector.objects.select_for_update().filter(slug=slug).first()
        if connector is None:
            raise Refused(Reason("unknown_connector", f"There is no connector {slug}.", "connector"))
        before = connector.pinned_tools
        connector.pinned_tools = dict(tools)
        connector.save(update_fields=["pinned_tools"])
        subject = Ref("connectors.connector", connector.pk, slug)
        data = {"before": {"tools": before}, "after": {"tools": dict(tools)}}
        audit.record("connector.tools_pinned", actor=actor, at=at, subject=subject, data=data)
    return connector
