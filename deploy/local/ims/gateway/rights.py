"""The rights that calls need.

"Image Management Service API reference", pages about permissions; for traces, the list of actions of Huawei
Cloud. Other calls need none, since the emulator gives all rights but those that the control plane takes away.
The status of a missing right is documented; that its code is IMG.0026, the one code of IMS with that status,
is inferred.
"""

from collections.abc import Mapping

from aiohttp import web

from deploy.local.ims.errors import Refused
from deploy.local.ims.state.images import RIGHTS, Token

_LIST, _GET, _UPDATE, _TRACES = RIGHTS
_TAGS = "/v2/{project_id}/images/{image_id}/tags"
NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/v2/cloudimages"): (_LIST,),
    ("GET", "/v2/images"): (_LIST,),
    ("GET", "/v1/cloudimages/tags"): (_LIST,),
    ("GET", _TAGS): (_LIST,),
    ("GET", "/v2/{project_id}/images/tags"): (_LIST,),
    ("POST", "/v2/{project_id}/images/resource_instances/action"): (_LIST,),
    ("GET", "/v2/images/{image_id}"): (_GET,),
    ("PUT", "/v1/cloudimages/tags"): (_UPDATE, _GET),
    ("POST", _TAGS): (_UPDATE,),
    ("POST", f"{_TAGS}/action"): (_UPDATE,),
    ("DELETE", f"{_TAGS}/{{key}}"): (_UPDATE,),
    ("GET", "/v3/{project_id}/traces"): (_TRACES,),
}
"""Method and path of a call -> the rights that it needs."""


def demand_rights(request: web.Request, caller: Token) -> None:
    """Raises `Refused` where the caller lacks a right that this call needs."""
    resource = request.match_info.route.resource
    needed = NEEDED.get((request.method, resource.canonical), ()) if resource else ()
    for right in needed:
        if right in caller.denied:
            raise Refused("CTS.0013" if right == _TRACES else "IMG.0026")
