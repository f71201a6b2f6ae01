"""The lab's connectors, one per family, created or brought up to date."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from django.conf import settings

from portal.kit import actors
from remediation.connectors import services
from remediation.connectors.models import Connector
from remediation.connectors.operations import Family


def slug_of(family: Family) -> str:
    """The lab's connector for a family: `lab-kubernetes`."""
    return f"lab-{family}"


def load(at: datetime) -> None:
    """Point the lab's connectors at `settings.LAB_URL` and pin the tools our own servers have."""
    lab = [Connector(slug=slug_of(family), **_lab(family)) for family in _pins()]
    Connector.objects.bulk_create(
        lab, update_conflicts=True, unique_fields=["slug"], update_fields=[*_lab(Family.HOSTS)]
    )
    pinned = dict(Connector.objects.values_list("slug", "pinned_tools"))
    for family, tools in _pins().items():
        if pinned[slug_of(family)] != tools:
            services.pin_tools(slug=slug_of(family), tools=tools, actor=actors.system("connectors"), at=at)


def _lab(family: Family) -> dict[str, Any]:
    writes = family is not Family.HOSTS
    return {
        "name": f"The lab: {family}",
        "families": [family.value],
        "read_url": f"{settings.LAB_URL}/{family}/read",
        "write_url": f"{settings.LAB_URL}/{family}/write" if writes else "",
        "read_token_env": "LAB_READ_TOKEN",
        "write_token_env": "LAB_WRITE_TOKEN" if writes else "",
        "provider": "" if writes else "roles",
        "is_lab": True,
    }


@cache
def _pins() -> dict[Family, dict[str, str]]:
    """The tools of our own servers by family; they are the same as long as this process runs."""
    with start_blocking_portal() as loop:  # a loop of its own: the caller's thread may run one already
        return loop.call(_asked)


async def _asked() -> dict[Family, dict[str, str]]:
    """Asked of the servers without a network: of a lab that is never opened."""
    from remediation.connectors.lab.pairs import pairs  # noqa: PLC0415 - importing mcp takes memory: only who seeds pays
    from remediation.connectors.lab.site import Lab  # noqa: PLC0415
    from remediation.connectors.servers.pairs import digests_of  # noqa: PLC0415

    return {family: await digests_of(pair) for family, pair in pairs(Lab(Path())).items()}
