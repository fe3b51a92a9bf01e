"""The rules table in an editor: its faults while typing, what it would change, and saving it."""

import asyncio
import time
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession, web

from deploy.local.console.doors.table import LONGEST
from deploy.local.console.state import STATE, Doors
from deploy.local.console.views.difference import Draft, difference
from deploy.local.console.views.page import doors_of, given, page, rendered
from deploy.local.follow_logs import CONSOLE_SOURCE

routes = web.RouteTableDef()

GIVEN_UP_WITHIN = 0.02
"""Seconds in which it is seen that the page has given a draft up."""

TAKEN_UP_WITHIN = 4.0
"""Seconds in which the function tells that it has looked at its file."""

ASK_EVERY = 0.6
"""Seconds. The function looks at its file with a delivery, and at most once a second."""


@routes.get("/rules")
async def show_rules(request: web.Request) -> web.Response:
    table = (await doors_of(request)).table
    return await page(request, "rules", path=table.path, table=table.read(), digest=table.digest())


@routes.post("/rules/try")
async def try_rules(request: web.Request) -> web.Response:
    """What `check` says of a draft, and what it would change; the second only if it has no fault."""
    doors, asked = await doors_of(request), await given(request)
    text = str(asked.get("text", ""))[:LONGEST]
    async with doors.drafting:
        draft = Draft(str(doors.table.draft(text)), text)
        console = request.app[STATE]
        answers = asyncio.gather(
            doors.commands("check", draft.path),
            difference(doors, console.folder, list(console.journal), draft),
        )
        watch = asyncio.create_task(_give_up(request, answers))
        try:
            found, changed = await answers
        finally:
            watch.cancel()
    return web.json_response(
        {
            "faults": found["faults"],
            "warnings": found["warnings"],
            "html": rendered(request, "_difference", found=found, difference=changed),
        }
    )


async def _give_up(request: web.Request, answers: asyncio.Future[Any]) -> None:
    """Ends the commands for a draft that the page has given up, since those for a newer one wait."""
    while True:
        if request.transport is None:
            answers.cancel()
            return
        await asyncio.sleep(GIVEN_UP_WITHIN)


@routes.post("/rules/save")
async def save_rules(request: web.Request) -> web.Response:
    """Writes the table, and has the function look at it."""
    doors, asked = await doors_of(request), await given(request)
    doors.table.save(str(asked.get("text", "")), str(asked.get("digest", "")))
    return web.json_response({"digest": doors.table.digest(), "message": await _taken_up(doors)})


async def _taken_up(doors: Doors) -> str:
    """What the function says of its file. It looks with a delivery, so it gets events that it ignores."""
    if doors.stack.processes.is_paused("function"):
        return "Saved. The function is paused and reads the table when it starts."
    told, until = doors.follower.rules_told, time.monotonic() + TAKEN_UP_WITHIN
    async with ClientSession(trust_env=False) as session:
        while time.monotonic() < until:
            try:
                async with session.post(doors.stack.function, json=_event(), headers=_STRUCTURED):
                    pass
            except (ClientError, TimeoutError):
                break
            await asyncio.sleep(ASK_EVERY)
            if doors.follower.rules_told > told:
                line = doors.follower.rules[-1]
                if line["message"] == "rules.refused":
                    return f"Saved, and refused: {line.get('detail')}. The table before it stays in use."
                return f"Saved. The function uses it: {line.get('rules')} rules."
    return "Saved. The function has not looked at it yet; it does with its next event."


_STRUCTURED = {"Content-Type": "application/cloudevents+json"}


def _event() -> dict[str, Any]:
    return {"specversion": "1.0", "id": uuid4().hex, "source": CONSOLE_SOURCE, "type": "console.table-saved"}
