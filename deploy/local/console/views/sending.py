"""Trying: send a sample or one's own event, create images, have things go wrong, kill the function."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiohttp import ClientError, ClientSession, web

from deploy.local import samples
from deploy.local.console.doors import CommandFailed
from deploy.local.console.doors.observer import NO_IMAGE
from deploy.local.console.doors.payloads import is_binary, message_of
from deploy.local.console.state import STATE, Doors
from deploy.local.console.views.events import sent_to
from deploy.local.console.views.faults import armed, buttons
from deploy.local.console.views.page import doors_of, given, page
from deploy.local.journal import KEPT, Message, Record

routes = web.RouteTableDef()

SEEN_WITHIN = 2.0
"""Seconds in which an event that was caused comes to the journal."""


@routes.get("/try")
async def show_try(request: web.Request) -> web.Response:
    doors = await doors_of(request)
    faults = (await doors.emulator.control("GET", "faults"))["faults"]
    return await page(
        request,
        "try",
        samples=samples.titles(),
        images=await doors.emulator.images(),
        buttons=buttons(),
        armed=armed(faults),
    )


@routes.get("/samples/{name}")
async def show_sample(request: web.Request) -> web.Response:
    """A sample as if it happened now."""
    if request.match_info["name"] not in dict(samples.titles()):
        raise web.HTTPNotFound(text="There is no such sample.")
    return web.Response(text=samples.text_of(request.match_info["name"], datetime.now(UTC)))


@routes.post("/send")
async def send(request: web.Request) -> web.Response:
    """An event as a person wrote it, over the bus or straight to the function."""
    doors, asked = await doors_of(request), await given(request)
    headers, body = message_of(str(asked.get("text", "")))
    if asked.get("images") is not False:
        await _create_missing_images(doors, request.app[STATE].folder.parent, headers, body)
    if asked.get("straight") is not True:
        return web.json_response(sent_to(await doors.bus.publish(headers, body)))
    # A log line's time is cut to the millisecond.
    began = time.time() - 0.001
    try:
        async with (
            ClientSession(trust_env=False) as session,
            session.post(doors.stack.function, data=body, headers=headers) as reply,
        ):
            words = f"{reply.status} {(await reply.text())[:200]}".strip()
    except (ClientError, TimeoutError):
        raise CommandFailed("The function does not answer; is it paused?") from None
    record = await _news(
        request, lambda each: each.straight and bool(each.steps) and each.steps[-1].time >= began
    )
    if record and record.message is None:
        record.message = Message(headers, body, len(body))
        record.title = None
        request.app[STATE].journal.touch(record)
    return web.json_response(sent_to(record) | {"message": f"The function answered {words}."})


@routes.post("/images/create")
async def create_image(request: web.Request) -> web.Response:
    """As a person would in the cloud: its event comes over the bus."""
    doors, asked = await doors_of(request), await given(request)
    name, creator = str(asked.get("name") or "image"), str(asked.get("creator") or "")
    token = ""
    if creator:
        token = f"console-{uuid4().hex}"
        user = {"id": uuid4().hex, "name": creator, "domain": {"id": uuid4().hex, "name": "example"}}
        await doors.emulator.control("PUT", f"tokens/{token}", {"user": user})
    newest = next((each.number for each in request.app[STATE].journal), 0)
    if asked.get("kind") == "server":
        body = {"name": name, "instance_id": str(uuid4())}
        await doors.emulator.api("POST", "/v2/cloudimages/action", body, token=token)
    elif asked.get("kind") == "copy":
        await doors.emulator.api(
            "POST", f"/v1/cloudimages/{asked.get('source')}/copy", {"name": name}, token=token
        )
    else:
        await doors.emulator.api("POST", "/v2/images", {"name": name, "__os_type": "Linux"}, token=token)
    return web.json_response(
        sent_to(await _news(request, lambda each: each.number > newest)) | {"message": "Created."}
    )


@routes.post("/function/{deed:pause|resume}")
async def pause_or_resume(request: web.Request) -> web.Response:
    """Kills the function as a crash would, or starts it again; what is on the bus waits meanwhile."""
    processes = (await doors_of(request)).stack.processes
    await given(request)
    if request.match_info["deed"] == "pause":
        await processes.pause("function")
        return web.json_response({"message": "The function is killed. Events wait on the bus."})
    await processes.resume("function")
    return web.json_response({"message": "The function runs again."})


async def _news(request: web.Request, is_new: Callable[[Record], bool]) -> Record | None:
    """The first event in the journal that is new; an older one may change at any time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SEEN_WITHIN):
            while True:
                if new := list(filter(is_new, request.app[STATE].journal)):
                    return new[-1]
                await asyncio.sleep(0.05)
    return None


async def _create_missing_images(doors: Doors, folder: Path, headers: dict[str, str], body: bytes) -> None:
    """The images that an event is about exist in the emulator then."""
    binary = is_binary(headers)
    path = folder / f"draft-{uuid4().hex}.{'http' if binary else 'json'}"
    head = "".join(f"{name}: {value}\n" for name, value in headers.items()) + "\n" if binary else ""
    path.write_bytes(head.encode() + body)
    try:
        answer = await doors.commands("explain", str(path))
    finally:
        path.unlink()
    events = [event for file in answer.get("files", ()) for event in file.get("events", ())]
    for image in [image["image"] for event in events for image in event["images"]][:KEPT]:
        if image.get("id") not in {None, NO_IMAGE} and await doors.emulator.image(image["id"]) is None:
            attributes = {"name": str(image.get("name") or "image")}
            await doors.emulator.control("POST", "images", {"id": image["id"], "attributes": attributes})
