"""The part of the control plane that puts images into the state and shows them."""

from typing import Any
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.control.fields import (
    Fields,
    InvalidControlRequest,
    is_flag,
    is_object,
    is_text,
    is_texts,
    one_of,
)
from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state import PROJECT_ID, UUID, Cloud, Image

routes = web.RouteTableDef()

IMAGE: Fields = {
    "id": (lambda id_: is_text(id_) and bool(UUID.fullmatch(id_)), "a UUID"),
    "status": one_of("queued", "saving", "active", "killed", "deleted"),
    "public": (is_flag, "true or false"),
    "project_id": (is_text, "text"),
    "tags": (is_texts, "an object of texts"),
    "attributes": (is_object, "an object"),
}
SERVER: Fields = {"image_id": IMAGE["id"]}


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


@routes.put("/_emulator/servers/{server_id}")
async def put_server(request: web.Request) -> web.Response:
    """Which image a server was made from; the images made of the server then have that one as parent."""
    given = await received(request, "A server", SERVER)
    if "image_id" not in given:
        raise InvalidControlRequest("A server needs an 'image_id'.")
    request.app[EMULATOR].cloud.servers[request.match_info["server_id"].lower()] = given["image_id"].lower()
    return web.Response(status=204)


def _shown(cloud: Cloud, image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "project_id": image.project_id,
        "status": cloud.status(image),
        "public": image.public,
        "attributes": image.attributes,
        "tags": image.tags,
    }
