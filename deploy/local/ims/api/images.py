"""The emulated calls about images: "Image Management Service API reference"."""

import re
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.api.requests import api_call, image_object, json_object, members, text
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.events import image_created
from deploy.local.ims.gateway.middleware import CALLER
from deploy.local.ims.state import Image

DEFAULT_PAGE = "500"
FILTERS = {"id", "name", "status", "owner", "visibility", "__imagetype", "__isregistered", "__os_type"}

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
    if image.public:
        raise web.HTTPForbidden(text="")
    if image.attributes.get("protected") is True:
        raise Refused("IMG.0028")
    del request.app[EMULATOR].cloud.images[image.id]
    return web.Response(status=204)


@routes.get("/v2/cloudimages")
async def list_images(request: web.Request) -> web.Response:
    """Page "Querying Images"."""
    cloud = request.app[EMULATOR].cloud
    return web.json_response({"images": [image_object(cloud, image) for image in listed(request)]})


def listed(request: web.Request) -> list[Image]:
    """The images that the query names and the caller can see, newest first.

    A filter that is not emulated is answered 501: a list that ignores it would be wrong.
    """
    cloud, caller = request.app[EMULATOR].cloud, request[CALLER]
    query = dict(request.query)
    limit, marker, tag = query.pop("limit", DEFAULT_PAGE), query.pop("marker", None), query.pop("tag", None)
    if unknown := query.keys() - FILTERS:
        raise web.HTTPNotImplemented(text=f"The emulator does not know: {', '.join(sorted(unknown))}.")
    if not re.fullmatch("[0-9]{1,9}", limit):
        raise Refused("IMG.0001")

    def wanted(image: Image) -> bool:
        if not image.public and image.project_id != caller.project_id:
            return False
        if tag is not None and tag not in (f"{key}={value}" for key, value in image.tags.items()):
            return False
        shown = image_object(cloud, image)
        return all(shown.get(name) == value for name, value in query.items())

    found = [image for image in reversed(cloud.images.values()) if wanted(image)]
    if marker is not None:
        ids = [image.id for image in found]
        found = found[ids.index(marker) + 1 :] if marker in ids else []
    return found[: int(limit)]


def _visible(request: web.Request) -> Image:
    image = request.app[EMULATOR].cloud.images.get(request.match_info["image_id"].lower())
    if image is None or not (image.public or image.project_id == request[CALLER].project_id):
        raise web.HTTPNotFound(text="")
    return image
