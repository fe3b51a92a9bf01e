"""The emulated calls about single images: "Image Management Service API reference"."""

from uuid import uuid4

from aiohttp import web

from deploy.local.ims.api.requests import api_call, json_object, members, text
from deploy.local.ims.api.shown import image_object
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.events import image_changed, image_created
from deploy.local.ims.gateway.middleware import CALLER
from deploy.local.ims.state import Image

routes = web.RouteTableDef()


@routes.post("/v2/images")
async def create(request: web.Request) -> web.Response:
    """Page "Creating Image Metadata (Native OpenStack API)". Nothing in the body is mandatory."""
    emulator, caller = request.app[EMULATOR], request[CALLER]
    cloud = emulator.cloud
    attributes = {"name": "", "tags": []} | await json_object(request)
    text(attributes, "name")
    tags = members(attributes, "tags", str)
    del attributes["tags"]
    pairs = dict(cloud.limits.of_pair(*tag.partition("=")[::2]) for tag in tags)
    image = Image(str(uuid4()), caller.project_id, cloud.clock(), attributes)
    cloud.tag(image, pairs)
    cloud.images[image.id] = image
    # The reference shows the status of the record before any data, however soon the image is active.
    reply = image_object(cloud, image) | {"status": "queued"}
    emulator.send(image_created(api_call(request, attributes), image, reply))
    return web.json_response(reply, status=201)


@routes.get("/v2/images/{image_id}")
async def show(request: web.Request) -> web.Response:
    """Page "Querying Image Details (Native OpenStack API)": 404 for an unknown id, body not documented."""
    return web.json_response(image_object(request.app[EMULATOR].cloud, _visible(request)))


@routes.delete("/v2/images/{image_id}")
async def delete(request: web.Request) -> web.Response:
    """Page "Deleting an Image (Native OpenStack API)": only one's own private images."""
    image = _visible(request)
    if image.public or image.project_id != request[CALLER].project_id:
        raise web.HTTPForbidden(text="")
    if image.attributes.get("protected") is True:
        raise Refused("IMG.0028")
    emulator = request.app[EMULATOR]
    del emulator.cloud.images[image.id]
    emulator.send(image_changed(api_call(request, {}), image, "deleteImage"))
    return web.Response(status=204)


def _visible(request: web.Request) -> Image:
    cloud = request.app[EMULATOR].cloud
    image = cloud.images.get(request.match_info["image_id"].lower())
    if image is None or not image.is_visible_to(request[CALLER].project_id):
        raise Refused.answering(cloud.settings.unknown_image_shown)
    return image
