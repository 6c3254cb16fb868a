"""The reverse proxy that one writes with aiohttp: a shared session, and bodies that are streamed. On uvloop.

`PYTHON -m benchmarks.peers_aiohttp PORT BACKEND_PORT`, with the Python of the venv where aiohttp is. No access log.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
from aiohttp import web

from l7proxy import loop

HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
              "transfer-encoding", "upgrade"}  # fmt: skip


def end_to_end(headers: Any) -> list[tuple[str, str]]:
    """The fields that a proxy hands on (RFC 9110 7.6.1)."""
    return [(name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP]


def application(backend: str) -> web.Application:
    """Every request goes to `backend`."""
    sessions: list[aiohttp.ClientSession] = []

    async def session(app: web.Application) -> Any:
        sessions.append(aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()))
        yield
        await sessions[0].close()

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = [*end_to_end(request.headers), ("X-Forwarded-For", str(request.remote))]
        body = request.content if request.body_exists else None
        async with sessions[0].request(request.method, backend + request.raw_path, headers=headers, data=body,
                                       allow_redirects=False) as answer:
            response = web.StreamResponse(status=answer.status, headers=dict(end_to_end(answer.headers)))
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


async def serve(port: int, backend_port: int) -> None:
    """Until it is killed."""
    runner = web.AppRunner(application(f"http://127.0.0.1:{backend_port}"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    loop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
