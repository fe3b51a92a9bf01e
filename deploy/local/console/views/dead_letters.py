"""Dead letters: by reason with the advice, what today's rules would make of each, and their way back."""

import asyncio
from collections import defaultdict
from typing import Any

from aiohttp import web

from deploy.local.console.doors import CommandFailed, fault_in
from deploy.local.console.state import STATE
from deploy.local.console.views.page import doors_of, given, page

routes = web.RouteTableDef()


@routes.get("/dead-letters")
async def show_dead_letters(request: web.Request) -> web.Response:
    doors = await doors_of(request)
    shown, today = await asyncio.gather(
        doors.commands("dead-letters", "show", doors.stack.bus),
        doors.commands("dead-letters", "redrive", "--dry-run", doors.stack.bus),
    )
    groups = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for letter in reversed(shown["dead_letters"]):
        groups[letter["reason"] or "without a reason", letter["what_to_do"]].append(letter)
    outcomes = {row["position"]: row for row in today.get("dead_letters", ())}
    titles = {
        letter["id"]: request.app[STATE].journal.title_of(letter["id"]) for letter in shown["dead_letters"]
    }
    return await page(
        request,
        "dead_letters",
        groups=sorted(groups.items(), key=lambda group: -len(group[1])),
        outcomes=outcomes,
        titles=titles,
        why_not=fault_in(today),
    )


@routes.post("/dead-letters/redrive")
async def redrive(request: web.Request) -> web.Response:
    """Sends the marked ones back to the bus, or all; fills in, unless it may overwrite."""
    doors, asked = await doors_of(request), await given(request)
    sequences = [str(int(each)) for each in asked.get("sequences", ())]
    if not sequences and asked.get("all") is not True:
        raise CommandFailed("Mark the dead letters to send again first.")
    options = ["--sequence", *sequences] if sequences else []
    overwrite = ["--overwrite"] if asked.get("overwrite") is True else []
    answer = await doors.commands("dead-letters", "redrive", doors.stack.bus, *options, *overwrite)
    done, failed = sum(answer["done"].values()), answer["not_done"]
    sentence = (
        f"{done} sent again."
        if not failed
        else f"{done} sent again, {len(failed)} not: {failed[0]['detail']}."
    )
    return web.json_response({"message": sentence, "go": "/" if done else "/dead-letters"})
