"""The emulated calls about tags: "Image Management Service API reference", "Image Tagging"."""

from collections.abc import Collection
from typing import Any

from aiohttp import web

from deploy.local.ims.api.image_lists import listed
from deploy.local.ims.api.requests import api_call, json_object, own_project, pair, text
from deploy.local.ims.api.shown import flat, pairs
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.events import image_changed
from deploy.local.ims.gateway.middleware import CALLER
from deploy.local.ims.limits import DELETION
from deploy.local.ims.state import Image

routes = web.RouteTableDef()


@routes.put("/v1/cloudimages/tags")
async def add_or_modify(request: web.Request) -> web.Response:
    """Page "Adding or Modifying a Tag": one tag, in one of two forms.

    Neither form, or both: not documented, IMG.0001 is inferred.
    """
    cloud = request.app[EMULATOR].cloud
    given = await json_object(request)
    image_id = text(given, "image_id")
    if ("tag" in given) == ("image_tag" in given):
        raise Refused("IMG.0001")
    image = cloud.taggable_image(image_id, request[CALLER].project_id)
    if "tag" in given:
        key, value = cloud.limits.of_text(text(given, "tag"))
    else:
        key, value = pair(given["image_tag"], cloud.limits)
    _add(request, image, {key: value}, given)
    return web.Response(status=204)


@routes.get("/v1/cloudimages/tags")
async def list_tags(request: web.Request) -> web.Response:
    """Page "Querying Tags": those of the caller's images, each once. The order is inferred."""
    project_id = request[CALLER].project_id
    own = [image for image in listed(request).images if image.project_id == project_id]
    shown = request.app[EMULATOR].cloud.readable_tags
    tags = {flat(key, value, "."): None for image in own for key, value in shown(image).items()}
    return web.json_response({"tags": list(tags)})


@routes.get("/v2/{project_id}/images/{image_id}/tags")
async def tags_of_image(request: web.Request) -> web.Response:
    """Page "Querying Tags of an Image"."""
    cloud = request.app[EMULATOR].cloud
    image = cloud.own_image(request.match_info["image_id"], own_project(request))
    return web.json_response({"tags": pairs(cloud.readable_tags(image))})


@routes.post("/v2/{project_id}/images/{image_id}/tags")
async def add_to_image(request: web.Request) -> web.Response:
    """Page "Adding an Image Tag"."""
    cloud = request.app[EMULATOR].cloud
    given = await json_object(request)
    key, value = pair(given.get("tag"), cloud.limits)
    _add(request, _taggable(request), {key: value}, given)
    return web.Response(status=204)


@routes.post("/v2/{project_id}/images/{image_id}/tags/action")
async def add_or_delete(request: web.Request) -> web.Response:
    """Page "Adding or Deleting Image Tags in a Batch". That it does all or nothing is inferred."""
    cloud = request.app[EMULATOR].cloud
    given = await json_object(request)
    action, pairs = text(given, "action"), given.get("tags")
    if action not in {"create", "delete"} or not isinstance(pairs, list) or not pairs:
        raise Refused("IMG.0001")
    image = _taggable(request)
    if action == "create":
        tags = dict(pair(tag, cloud.limits) for tag in pairs)
    else:
        tags = dict(_deletion(tag, cloud.limits.refusal) for tag in pairs)
    if len(tags) < len(pairs):
        # The same key twice.
        raise Refused.answering(cloud.limits.refusal)
    if action == "create":
        _add(request, image, tags, given)
    else:
        _delete(request, image, tags, given)
    return web.Response(status=204)


@routes.delete("/v2/{project_id}/images/{image_id}/tags/{key}")
async def delete_from_image(request: web.Request) -> web.Response:
    """Page "Deleting an Image Tag": 404 for a key that is not there; a body is not documented."""
    image, key = _taggable(request), request.match_info["key"]
    if key not in image.tags:
        raise web.HTTPNotFound(text="")
    _delete(request, image, {key}, {})
    return web.Response(status=204)


def _add(request: web.Request, image: Image, tags: dict[str, str], given: dict[str, Any]) -> None:
    request.app[EMULATOR].cloud.tag(image, tags)
    _leave_trace(request, image, given, "addTag")


def _delete(request: web.Request, image: Image, keys: Collection[str], given: dict[str, Any]) -> None:
    request.app[EMULATOR].cloud.untag(image, keys)
    _leave_trace(request, image, given, "deleteTag")


def _leave_trace(request: web.Request, image: Image, given: dict[str, Any], operation: str) -> None:
    """If the settings say so, and under the name that they say."""
    emulator = request.app[EMULATOR]
    name = emulator.cloud.settings.trace_tagging
    if name != "none":
        call = api_call(request, given)
        emulator.send(image_changed(call, image, operation if name == "addTag" else name))


def _taggable(request: web.Request) -> Image:
    return request.app[EMULATOR].cloud.taggable_image(request.match_info["image_id"], own_project(request))


def _deletion(given: Any, refusal: str) -> tuple[str, str]:
    if not isinstance(given, dict):
        raise Refused("IMG.0001")
    return DELETION.checked(text(given, "key"), text({"value": ""} | given, "value"), refusal)
