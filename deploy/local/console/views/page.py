"""What all views share: a page, a fragment of one, and a sentence where something went wrong."""

import asyncio
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from deploy.local.console.doors import CommandFailed
from deploy.local.console.doors.emulator import Refused
from deploy.local.console.doors.payloads import NoMessage
from deploy.local.console.doors.table import NotSaved
from deploy.local.console.protection import Handler
from deploy.local.console.state import STATE, Doors
from deploy.local.processes import NotRunning

STATIC = Path(__file__).parent.parent / "static"

static = web.static("/static", STATIC)

UP_WITHIN = 30.0
"""Seconds that a page waits for the stack."""


async def doors_of(request: web.Request) -> Doors:
    """What is there once the stack is up; a page that is opened early waits for it."""
    async with asyncio.timeout(UP_WITHIN):
        return await asyncio.shield(request.app[STATE].doors)


def rendered(request: web.Request, name: str, **known: Any) -> str:
    """A template with what every one of them knows. `change`: up to which it knows the journal."""
    console = request.app[STATE]
    template = console.templates.get_template(f"{name}.html")
    known = {"change": console.journal.changes} | known
    return template.render(token=console.token, instance=console.instance, **known)


async def page(request: web.Request, name: str, *, code: int = 200, **known: Any) -> web.Response:
    """A whole page. code: the status of the answer."""
    doors = await doors_of(request)
    known |= {"view": name, "status": status_of(doors)}
    return web.Response(status=code, text=rendered(request, name, **known), content_type="text/html")


def fragment(request: web.Request, name: str, **known: Any) -> web.Response:
    return web.Response(text=rendered(request, name, **known), content_type="text/html")


def status_of(doors: Doors) -> dict[str, Any]:
    """What the head of every page tells of the stack."""
    stack = doors.stack
    told = doors.follower.rules[-1] if doors.follower.rules else None
    return {
        "paused": stack.processes.is_paused("function"),
        "rules": stack.rules.name,
        "told": told,
        "refused": told is not None and told["message"] == "rules.refused",
        "dead_letters": doors.dead_letters,
        "slowed": slowed if (slowed := doors.follower.slowed_until) > time.time() else None,
    }


async def given(request: web.Request) -> dict[str, Any]:
    """The JSON object that a page posts. Raises web.HTTPBadRequest."""
    try:
        found = await request.json()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="The body is no JSON object.")
    return found


@web.middleware
async def failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What could not be done is a sentence for the person."""
    try:
        return await handler(request)
    except NoMessage as failure:
        status, sentence = 400, str(failure)
    except NotSaved as failure:
        status, sentence = 409, str(failure)
    except (CommandFailed, Refused, NotRunning, OSError) as failure:
        status, sentence = 502, str(failure)
    except TimeoutError:
        status, sentence = 503, "The stack is not up yet; load the page again."
    except web.HTTPException as refusal:
        status, sentence = refusal.status, refusal.text or refusal.reason
    if request.method == "POST":
        return web.json_response({"error": sentence}, status=status)
    if "text/html" in request.headers.get("Accept", "") and request.app[STATE].doors.done():
        return await page(request, "failure", sentence=sentence, code=status)
    return web.Response(status=status, text=f"{sentence}\n")
