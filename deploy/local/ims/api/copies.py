"""The emulated call that copies an image: "Image Management Service API reference"."""

from typing import Any
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.api.jobs import begin_job
from deploy.local.ims.api.requests import api_call, json_object, text
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.state import REGION, Image

ATTRIBUTES = {
    "name": "name",
    "description": "__description",
    "cmk_id": "__system__cmkid",
    "enterprise_project_id": "enterprise_project_id",
}
"""A field of the request -> the attribute of the copy that it becomes."""
OWN = {*ATTRIBUTES.values(), "protected", "__data_origin", "__originalimagename"}
"""Attributes that a copy does not take over from its source."""

routes = web.RouteTableDef()


@routes.post("/v1/cloudimages/{image_id}/copy")
async def copy(request: web.Request) -> web.Response:
    """Page "Replicating an Image Within a Region".

    It gives no codes for an image that cannot be copied: those of tagging are inferred, and so is that the
    image has to be active, and the code for a copy without a name.
    """
    emulator, given = request.app[EMULATOR], await json_object(request)
    call = api_call(request, given)
    source = emulator.cloud.active_image(request.match_info["image_id"], call.caller.project_id)
    if "name" not in given:
        raise Refused("IMG.0013")
    changed = {ATTRIBUTES[field]: text(given, field) for field in ATTRIBUTES if field in given}
    image = Image(
        id=str(uuid4()),
        project_id=source.project_id,
        created_at=call.moment,
        attributes=_inherited(source) | changed,
        fixed_status="active",
    )
    return begin_job(emulator, call, "imsCopyImageInRegionJob", [image], source)


def _inherited(source: Image) -> dict[str, Any]:
    """What a copy has from its source: which attributes is inferred, and that the tags are not among them.

    The forms of the two that name the source are those of recorded answers of the real service.
    """
    same = {name: value for name, value in source.attributes.items() if name not in OWN}
    return same | {"__data_origin": f"image,{REGION},{source.id}", "__originalimagename": source.id}
