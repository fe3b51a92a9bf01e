"""The emulated calls that create images by jobs: "Image Management Service API reference"."""

from typing import Any
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.api.requests import api_call, json_object, members, own_project, pair, text
from deploy.local.ims.emulator import EMULATOR, Emulator
from deploy.local.ims.errors import Refused
from deploy.local.ims.events import ApiCall, creation_requested
from deploy.local.ims.state import Cloud, Image, Job
from deploy.local.ims.state.jobs import SEVERAL, with_image_id_at

SOURCES = {
    "instance_id": "imsCreateImageByInstance",
    "image_url": "imsImportImageJob",
    "volume_id": "imsVolumeCreateImageJob",
    "data_images": SEVERAL,
}
"""The field that tells what an image is made of -> the type of the job that makes it."""
ATTRIBUTES = {
    "name": "name",
    "description": "__description",
    "os_version": "__os_version",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "max_ram": "max_ram",
}
"""A field of the request -> the attribute of the image that it becomes."""

routes = web.RouteTableDef()


@routes.post("/v2/cloudimages/action")
async def create(request: web.Request) -> web.Response:
    """Page "Creating an Image": one image or, with `data_images`, one of each disk.

    No source is IMG.0001, which is inferred, and so are two: a file with data disks is not emulated.
    Whether a source exists is not checked.
    """
    emulator, given = request.app[EMULATOR], await json_object(request)
    sources = SOURCES.keys() & given.keys()
    if len(sources) != 1:
        raise Refused("IMG.0001")
    [source] = sources
    call = api_call(request, given)
    if source == "data_images":
        images = [_data_image(emulator.cloud, call, disk) for disk in members(given, source, dict)]
    else:
        made_of = text(given, source)
        images = [_image(emulator.cloud, call, given)]
        if source == "instance_id":
            images[0].attributes |= _origin(emulator.cloud, made_of)
    if not images:
        raise Refused("IMG.0001")
    return begin_job(emulator, call, SOURCES[source], images)


@routes.get("/v1/{project_id}/jobs/{job_id}")
async def show(request: web.Request) -> web.Response:
    """Page "Querying the Status of an Asynchronous Job"."""
    emulator, project_id = request.app[EMULATOR], own_project(request)
    answer = emulator.jobs.answer(emulator.jobs.find(request.match_info["job_id"], project_id))
    return web.json_response(with_image_id_at(answer, emulator.cloud.settings.job_image_id))


def begin_job(
    emulator: Emulator, call: ApiCall, kind: str, images: list[Image], source: Image | None = None
) -> web.Response:
    """Let a job run; the answer to the call that asked for it. source: the image that it copies."""
    job = Job(
        id=uuid4().hex,
        type=kind,
        project_id=call.caller.project_id,
        begun_at=call.moment,
        images=images,
        settings=emulator.cloud.settings,
        source=source,
    )
    emulator.begin(job, creation_requested(call, job))
    return web.json_response({"job_id": job.id})


def _origin(cloud: Cloud, server: str) -> dict[str, Any]:
    """Where an image of a server comes from. The forms are of recorded answers of the real service."""
    parent = cloud.servers.get(server.lower())
    return {"__data_origin": f"instance,{server}"} | ({"__originalimagename": parent} if parent else {})


def _image(cloud: Cloud, call: ApiCall, given: dict[str, Any]) -> Image:
    """An image as it will be when its job has succeeded."""
    if "name" not in given:
        raise Refused("IMG.0013")
    text(given, "name")
    image = Image(
        id=str(uuid4()),
        project_id=call.caller.project_id,
        created_at=call.moment,
        attributes={attribute: given[field] for field, attribute in ATTRIBUTES.items() if field in given},
        fixed_status="active",
    )
    cloud.tag(image, _tags(cloud, given))
    return image


def _data_image(cloud: Cloud, call: ApiCall, disk: dict[str, Any]) -> Image:
    text(disk, "volume_id")
    image = _image(cloud, call, disk)
    image.attributes["virtual_env_type"] = "DataImage"
    return image


def _tags(cloud: Cloud, given: dict[str, Any]) -> dict[str, str]:
    """Either `tags` or `image_tags`; the code for both is inferred."""
    if {"tags", "image_tags"} <= given.keys():
        raise Refused("IMG.0001")
    if "image_tags" in given:
        return dict(pair(tag, cloud.limits) for tag in members(given, "image_tags", dict))
    return dict(cloud.limits.of_text(tag) for tag in members({"tags": []} | given, "tags", str))
