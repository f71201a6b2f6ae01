"""Shows the tools a connector's servers offer, and pins them: `manage.py pin_tools lab-kubernetes --pin`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.kit.actors import Actor
from remediation.connectors import client, services
from remediation.connectors.models import Connector


class Command(BaseCommand):
    help = "Show what a connector's servers offer beside what is pinned; with --pin, allow exactly that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connector", help="slug of the connector")
        parser.add_argument("--pin", action="store_true", help="pin the tools as they are now")

    def handle(self, *args: Any, **options: Any) -> None:
        from remediation.connectors.link import Unreachable  # noqa: PLC0415 - only this command needs mcp

        connector = Connector.objects.filter(slug=options["connector"]).first()
        if connector is None:
            raise CommandError(f"There is no connector {options['connector']}.")
        try:
            offered = client.listed(connector, "read")
            if connector.write_url:
                offered |= client.listed(connector, "write")
        except Unreachable as error:
            raise CommandError(f"{connector.name} cannot be reached: {error}.") from error
        self._show(connector.pinned_tools, offered)
        if options["pin"]:
            actor = Actor("system", None, "pin_tools", "command")
            services.pin_tools(slug=connector.slug, tools=offered, actor=actor, at=timezone.now())
            self.stdout.write(f"{len(offered)} tools of {connector.name} are pinned.")

    def _show(self, pinned: dict[str, str], offered: dict[str, str]) -> None:
        for tool in sorted(pinned.keys() | offered.keys()):
            self.stdout.write(f"{_standing(pinned.get(tool), offered.get(tool)):<8} {tool}  {offered.get(tool, '')}")


def _standing(pinned: str | None, offered: str | None) -> str:
    if offered is None:
        return "gone"
    if pinned is None:
        return "new"
    return "pinned" if pinned == offered else "changed"
