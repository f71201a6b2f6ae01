"""The line between a host and the database: a relay that can be held, so that nothing is refused and nothing answered.

`python -m portal.dashboard.chaos.line FROM TO`, both sockets of the file system.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

CHUNK = 65_536


async def serve(here: str, there: str) -> None:
    """Relay every connection until told to stop."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_reader, to_writer = await asyncio.open_unix_connection(there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, to_writer), _pass_on(to_reader, writer))

    server = await asyncio.start_unix_server(relay, here)
    async with server:
        await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
