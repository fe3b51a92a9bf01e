"""The control plane under `/_emulator`: it sets the scene, scripts faults and shows what happened.

JSON in and out, no token. It belongs to the emulator; nothing of it exists in IMS.
"""

import json
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from aiohttp import web

from .emulator import EMULATOR
from .faults import FIELDS as FAULT
from .fields import (
    Fields,
    Nonsense,
    at_least,
    checked,
    is_flag,
    is_object,
    is_text,
    is_texts,
    one_of,
)
from .gateway import Handler
from .rate import FIELDS as RATE
from .rate import Rate
from .rules import LIMITS, UUID
from .state import PROJECT_ID, Cloud, Image, Token

routes = web.RouteTableDef()

SETTINGS: Fields = {
    "active_after": at_least(0),
    "taggable_before_active": (is_flag, "true or false"),
    "limits": one_of(*LIMITS),
    "jobs_fail": (is_flag, "true or false"),
    "traces": one_of("in order", "reversed", "first only", "second only"),
    "trace_tagging": one_of("none", "addTag", "updateImage"),
}
TOKEN: Fields = {
    "user": (is_object, "an object"),
    "project_id": (is_text, "text"),
    "expired": (is_flag, "true or false"),
}
IMAGE: Fields = {
    "id": (lambda id_: is_text(id_) and bool(UUID.fullmatch(id_)), "a UUID"),
    "status": one_of("queued", "saving", "active", "killed", "deleted"),
    "public": (is_flag, "true or false"),
    "project_id": (is_text, "text"),
    "tags": (is_texts, "an object of texts"),
    "attributes": (is_object, "an object"),
}


@web.middleware
async def control(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nonsense is answered 400 with one sentence."""
    try:
        return await handler(request)
    except Nonsense as nonsense:
        return web.json_response({"error": str(nonsense)}, status=400)


async def received(request: web.Request, what: str, fields: Fields) -> dict[str, Any]:
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as problem:
        raise Nonsense("The body must be JSON.") from problem
    return checked(what, given, fields)


@routes.post("/_emulator/faults")
async def add_fault(request: web.Request) -> web.Response:
    fault = request.app[EMULATOR].faults.add(await received(request, "A fault", FAULT))
    return web.json_response({"id": fault.id}, status=201)


@routes.get("/_emulator/faults")
async def show_faults(request: web.Request) -> web.Response:
    """Every fault with how often it was applied."""
    faults = request.app[EMULATOR].faults
    return web.json_response({"faults": [asdict(fault) for fault in faults]})


@routes.delete("/_emulator/faults")
async def lift_faults(request: web.Request) -> web.Response:
    request.app[EMULATOR].faults.lift()
    return web.Response(status=204)


@routes.put("/_emulator/rate-limit")
async def limit_rate(request: web.Request) -> web.Response:
    """The counts start again."""
    rate = Rate(**await received(request, "A rate limit", RATE))
    request.app[EMULATOR].rate = rate
    return web.json_response(rate.shown())


@routes.get("/_emulator/rate-limit")
async def show_rate(request: web.Request) -> web.Response:
    return web.json_response(request.app[EMULATOR].rate.shown())


@routes.put("/_emulator/settings")
async def change_settings(request: web.Request) -> web.Response:
    """What is not named stays as it is."""
    emulator = request.app[EMULATOR]
    changes = await received(request, "The settings", SETTINGS)
    emulator.cloud.settings = replace(emulator.cloud.settings, **changes)
    emulator.end_jobs()
    return web.json_response(asdict(emulator.cloud.settings))


@routes.put("/_emulator/tokens/{token}")
async def set_token(request: web.Request) -> web.Response:
    token = Token(**await received(request, "A token", TOKEN))
    request.app[EMULATOR].cloud.tokens[request.match_info["token"]] = token
    return web.Response(status=204)


@routes.delete("/_emulator/tokens/{token}")
async def drop_token(request: web.Request) -> web.Response:
    request.app[EMULATOR].cloud.tokens.pop(request.match_info["token"], None)
    return web.Response(status=204)


@routes.post("/_emulator/images")
async def put_image(request: web.Request) -> web.Response:
    """An image as it is, without an event and without the limits of tags."""
    given = await received(request, "An image", IMAGE)
    cloud = request.app[EMULATOR].cloud
    image = Image(
        id=given.get("id", str(uuid4())).lower(),
        project_id=given.get("project_id", PROJECT_ID),
        created_at=cloud.clock(),
        attributes={"name": "image"} | given.get("attributes", {}),
        public=given.get("public", False),
        fixed_status=given.get("status"),
        tags=given.get("tags", {}),
    )
    cloud.images[image.id] = image
    return web.json_response(_shown(cloud, image), status=201)


@routes.get("/_emulator/images/{image_id}")
async def show_image(request: web.Request) -> web.Response:
    cloud = request.app[EMULATOR].cloud
    image = cloud.images.get(request.match_info["image_id"].lower())
    if image is None:
        raise web.HTTPNotFound
    return web.json_response(_shown(cloud, image))


def _shown(cloud: Cloud, image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "project_id": image.project_id,
        "status": cloud.status(image),
        "public": image.public,
        "attributes": image.attributes,
        "tags": image.tags,
    }


@routes.get("/_emulator/calls")
async def show_calls(request: web.Request) -> web.Response:
    """The newest calls of the emulated API, oldest first, and how many there were in all."""
    calls = request.app[EMULATOR].calls
    return web.json_response({"total": calls.total, "calls": [asdict(call) for call in calls]})


@routes.get("/_emulator/events")
async def show_events(request: web.Request) -> web.Response:
    """The newest events that calls and jobs caused, oldest first."""
    return web.json_response({"events": list(request.app[EMULATOR].events)})


@routes.post("/_emulator/reset")
async def reset(request: web.Request) -> web.Response:
    request.app[EMULATOR].reset()
    return web.Response(status=204)
