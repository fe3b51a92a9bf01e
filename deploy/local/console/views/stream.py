"""What is new, as server-sent events: the rows of events that changed, and the head of the page."""

import asyncio
import json
import time

from aiohttp import web

from deploy.local.console.state import STATE
from deploy.local.console.views.page import doors_of, rendered, status_of

routes = web.RouteTableDef()

EVERY = 0.05
"""Seconds between two looks at what is new."""

ALIVE = 5.0
"""Seconds after which something is sent, so that either side finds out that the other is gone."""

AT_ONCE = 100
"""Rows in one message."""


@routes.get("/stream")
async def stream(request: web.Request) -> web.StreamResponse:
    """From the change on that the page has already. Of another instance, the page has nothing that counts."""
    console, doors = request.app[STATE], await doors_of(request)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    instance, _, since = (request.headers.get("Last-Event-ID") or request.query.get("since", "")).partition(
        "."
    )
    if instance != console.instance or not since.isdigit():
        await response.write(b"retry: 1000\nevent: restarted\ndata: {}\n\n")
        return response
    await response.write(b"retry: 1000\n\n")
    seen, head, sent = int(since), "", time.monotonic()
    while True:
        if seen != console.journal.changes:
            changed = console.journal.changed_since(seen)[:AT_ONCE]
            full = len(changed) == AT_ONCE
            seen = changed[-1].changed if full else console.journal.changes
            rows = [
                {"number": each.number, "row": rendered(request, "_row", record=each)} for each in changed
            ]
            news = {"rows": rows, "dropped": list(console.journal.dropped)}
            await _send(response, "events", news, f"{console.instance}.{seen}")
            sent = time.monotonic()
            if full:
                continue
        if head != (now := rendered(request, "_status", status=status_of(doors))):
            head = now
            await _send(response, "status", {"head": head})
        if time.monotonic() - sent > ALIVE:
            await response.write(b": alive\n\n")
            sent = time.monotonic()
        await asyncio.sleep(EVERY)


async def _send(response: web.StreamResponse, name: str, data: object, number: str = "") -> None:
    id_ = f"id: {number}\n" if number else ""
    await response.write(f"{id_}event: {name}\ndata: {json.dumps(data)}\n\n".encode())
