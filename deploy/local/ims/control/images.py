"""The part of the control plane that puts images into the state and shows them.

    POST /_emulator/images
    {"project_id": "0123456789abcdef0123456789abcdef", "public": false, "members": {"PROJECT": "accepted"},
     "created_at": 1767608130, "status": "active", "tags": {"env": "prod"},
     "attributes": {"name": "web-base", "__data_origin": "instance,SERVER", "__originalimagename": "IMAGE"}}

    POST /_emulator/images/batch
    {"images": [{"attributes": {"name": "web-1"}}, {"attributes": {"name": "web-2"}, "public": true}]}

Nothing in them is mandatory. `project_id` is the owner, by default the project of the first token.
`created_at` is in seconds since the epoch, by default now.
"""

from typing import Any
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.fields import Fields, InvalidControlRequest, checked, fields_of, one_of
from deploy.local.ims.state import PROJECT_ID, Cloud, Image

routes = web.RouteTableDef()

IMAGE: Fields = {**fields_of(Image), "status": one_of("queued", "saving", "active", "killed", "deleted")}
IMAGES: Fields = {"images": (lambda images: isinstance(images, list), "a list")}
SERVER: Fields = {"image_id": IMAGE["id"]}


@routes.post("/_emulator/images")
async def put_image(request: web.Request) -> web.Response:
    """An image as it is, without an event, without a trace and without the limits of tags."""
    cloud = request.app[EMULATOR].cloud
    image = _put(cloud, await received(request, "An image", IMAGE))
    return web.json_response(_shown(cloud, image), status=201)


@routes.post("/_emulator/images/batch")
async def put_images(request: web.Request) -> web.Response:
    """Many such images in one call; their ids in the same order."""
    cloud = request.app[EMULATOR].cloud
    given = await received(request, "A batch of images", IMAGES)
    images = [checked("An image", image, IMAGE) for image in given.get("images", [])]
    return web.json_response({"ids": [_put(cloud, image).id for image in images]}, status=201)


@routes.get("/_emulator/images")
async def show_images(request: web.Request) -> web.Response:
    """All images of all projects."""
    cloud = request.app[EMULATOR].cloud
    return web.json_response({"images": [_shown(cloud, image) for image in cloud.images.values()]})


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


def _put(cloud: Cloud, given: dict[str, Any]) -> Image:
    image = Image(
        id=given.get("id", str(uuid4())).lower(),
        project_id=given.get("project_id", PROJECT_ID),
        created_at=given.get("created_at", cloud.clock()),
        attributes={"name": "image"} | given.get("attributes", {}),
        public=given.get("public", False),
        members=given.get("members", {}),
        fixed_status=given.get("status"),
        tags=given.get("tags", {}),
    )
    cloud.images[image.id] = image
    return image


def _shown(cloud: Cloud, image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "project_id": image.project_id,
        "status": cloud.status(image),
        "public": image.public,
        "members": image.members,
        "created_at": image.created_at,
        "attributes": image.attributes,
        "tags": image.tags,
    }
