"""The list of events, and one of them: its way, why, and the event itself."""

import asyncio
from operator import itemgetter
from typing import Any

from aiohttp import web

from deploy.local.console.doors import CommandFailed, fault_in
from deploy.local.console.doors.emulator import Refused
from deploy.local.console.doors.payloads import curl_of, file_of, text_of
from deploy.local.console.explain import explain_one
from deploy.local.console.state import STATE, Doors
from deploy.local.console.views.page import doors_of, fragment, given, page
from deploy.local.journal import Record, Step

routes = web.RouteTableDef()

BEFORE, AFTER = 1.0, 0.05
"""Seconds around an event's way in which calls about its image belong to it."""


@routes.get("/")
async def show_list(request: web.Request) -> web.Response:
    return await page(request, "events", records=list(request.app[STATE].journal), shown=None)


@routes.get("/events/{number:[0-9]+}")
async def show_event(request: web.Request) -> web.Response:
    """The list with one of them open; `?part` asks for that one alone."""
    record, journal = record_of(request), request.app[STATE].journal
    # What happens during the lookups is missing in them: the stream tells of it, and the page asks again.
    change = journal.changes
    detail = {"shown": record, **await _detail(request, record)}
    if "part" in request.query:
        return fragment(request, "_detail", **detail)
    return await page(request, "events", records=list(journal), change=change, **detail)


@routes.get("/events/{number:[0-9]+}/text")
async def show_text(request: web.Request) -> web.Response:
    """The message as one edits it."""
    message = record_of(request).message
    if message is None or message.body is None:
        raise web.HTTPNotFound(text="The event itself was not seen, or is too long to keep.")
    return web.Response(text=text_of(message))


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    """The numbers of the events in whose message a text stands."""
    wanted = request.query.get("text", "").lower().encode()
    found = [
        record.number
        for record in request.app[STATE].journal
        if wanted and record.message and record.message.body and wanted in record.message.body.lower()
    ]
    return web.json_response({"numbers": found})


@routes.post("/events/{number:[0-9]+}/send")
async def send_again(request: web.Request) -> web.Response:
    """Publishes the message once more, as it is."""
    await given(request)
    doors, message = await doors_of(request), record_of(request).message
    if message is None or message.body is None:
        raise web.HTTPNotFound(text="The event itself was not seen, or is too long to keep.")
    return web.json_response(sent_to(await doors.bus.publish(message.headers, message.body)))


def sent_to(record: Record | None) -> dict[str, Any]:
    """Where the page goes to see what becomes of an event."""
    return {"message": "Sent.", "go": f"/events/{record.number}" if record else "/"}


def record_of(request: web.Request) -> Record:
    record = request.app[STATE].journal.get(int(request.match_info["number"]))
    if record is None:
        raise web.HTTPNotFound(text="This event is none of the last 1,000 any more.")
    return record


async def _detail(request: web.Request, record: Record) -> dict[str, Any]:
    doors = await doors_of(request)
    explained, calls = await asyncio.gather(_explained(request, doors, record), _calls(doors, record))
    message = record.message
    return {
        "way": _way(record, calls),
        "explained": explained,
        "event_text": text_of(message) if message and message.body is not None else None,
        "curl": curl_of(doors.stack.function, message) if message and message.body is not None else "",
    }


def _way(record: Record, calls: list[dict[str, Any]]) -> list[tuple[float, str, Any]]:
    """What happened, in order. The news of the publication may come late, and is the first all the same."""
    began = min([*(step.time for step in record.steps), *(call["time"] for call in calls)], default=0.0)

    def moment(step: Step) -> float:
        # A log line's time is cut to the millisecond: it is later than the calls in the same one.
        return began if step.name == "published" else step.time + (0.001 if step.line else 0)

    steps = [(moment(step), "step", step) for step in record.steps]
    return sorted([*steps, *((call["time"], "call", call) for call in calls)], key=itemgetter(0))


async def _explained(request: web.Request, doors: Doors, record: Record) -> dict[str, Any]:
    """What `explain` says under today's table, or why it says nothing."""
    path = file_of(request.app[STATE].folder, record)
    if path is None:
        return {"fault": "", "events": []}
    try:
        answer = await explain_one(doors, str(path), record.image_ids)
    except CommandFailed as failure:
        return {"fault": str(failure), "events": []}
    if fault := fault_in(answer):
        return {"fault": fault, "events": []}
    [file] = answer["files"]
    return {"fault": file.get("fault", ""), "events": file.get("events", [])}


async def _calls(doors: Doors, record: Record) -> list[dict[str, Any]]:
    """The calls about its images and its job while it was on its way."""
    jobs = {str(step.line["job_id"]) for step in record.steps if step.line.get("job_id")}
    try:
        found = await doors.emulator.calls()
    except Refused:
        return []
    # Only now, because more may have happened while the emulator answered.
    times = [step.time for step in record.steps] or [record.began]
    found = [call for call in found if min(times) - BEFORE <= call["time"] <= max(times) + AFTER]
    mine = set(record.image_ids)
    return [call for call in found if call["image_id"] in mine or jobs & set(call["path"].split("/"))]
