"""Pairs of servers, and the schemas of their tools: what a connector pins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mcp.server import MCPServer
from mcp.types import Tool


@dataclass(frozen=True, slots=True)
class Pair:
    """The two servers of a family; hosts have no writing one."""

    read: MCPServer[Any]
    write: MCPServer[Any] | None


def schema_digest(tool: Tool) -> str:
    """SHA-256 over what a tool is called, says about itself, takes and answers."""
    parts = {
        "name": tool.name,
        "description": tool.description,
        "input": tool.input_schema,
        "output": tool.output_schema,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def digests(tools: Iterable[Tool]) -> dict[str, str]:
    """Tool name to schema digest."""
    return {tool.name: schema_digest(tool) for tool in tools}


async def digests_of(pair: Pair) -> dict[str, str]:
    """The digests of all tools of both servers, asked without a network."""
    written = await pair.write.list_tools() if pair.write else []
    return digests([*await pair.read.list_tools(), *written])
