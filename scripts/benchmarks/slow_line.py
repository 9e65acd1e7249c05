"""A slow line to a server: a TCP proxy that holds everything back, for half of the round trip each way."""

from __future__ import annotations

import asyncio
import sys


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes from *source*, each piece *seconds* later."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    try:
        while data := await source.read(1 << 16):
            last = max(last, loop.time() + seconds)  # in order
            loop.call_at(last, target.write, data)
    finally:
        loop.call_at(max(last, loop.time()) + seconds, target.close)


async def _serve(port: int, seconds: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, back, seconds), _carry(there, writer, seconds))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 2))
