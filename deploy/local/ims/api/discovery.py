"""How clients find the services and their versions.

"Image Management Service API reference", "Querying API Versions (Native OpenStack API)" and "Querying an API
Version (Native OpenStack API)"; "Identity and Access Management API reference", "Querying Information About
Keystone API 3.0". The catalog has the names, types and paths of one that Open Telekom Cloud issued, which a
public repository holds. Inferred are: its entry `ctsv3`, from the type that python-otcextensions looks for,
and that no token is needed to query versions. All services have one address here, so the versions at `/` are
those of the image service.
"""

from typing import Any

from aiohttp import web

from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state import REGION

VERSIONS = {
    "v2.2": "CURRENT",
    "v2.1": "SUPPORTED",
    "v2.0": "SUPPORTED",
    "v1.1": "DEPRECATED",
    "v1.0": "DEPRECATED",
}
"""Those of the image service, with their status."""

routes = web.RouteTableDef()


@routes.get("/")
async def image_versions(request: web.Request) -> web.Response:
    return web.json_response({"versions": [_version(request, name) for name in VERSIONS]}, status=300)


@routes.get(r"/{version:v[12](?:\.[0-9])?}{end:/?}")
async def image_version(request: web.Request) -> web.Response:
    """That `v2` means the newest of them is inferred."""
    asked = request.match_info["version"]
    found = next((name for name in VERSIONS if name.startswith(asked)), None)
    if found is None:
        raise web.HTTPNotFound(text="")
    return web.json_response({"versions": [_version(request, found)]}, status=300)


@routes.get("/v3{end:/?}")
async def identity_version(request: web.Request) -> web.Response:
    version = {
        "id": "v3.6",
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
        "links": [{"rel": "self", "href": f"{_base(request)}/v3/"}],
    }
    return web.json_response({"version": version})


@routes.get("/v3/auth/catalog")
async def show_catalog(request: web.Request) -> web.Response:
    """Page "Querying the Service Catalog"."""
    caller = request.app[EMULATOR].cloud.token(request.headers.get("X-Auth-Token"))
    links = {"self": f"{_base(request)}/v3/auth/catalog", "previous": None, "next": None}
    return web.json_response({"catalog": catalog(request, caller.project_id), "links": links})


def catalog(request: web.Request, project_id: str) -> list[dict[str, Any]]:
    """The services that a token of this project can be used for."""
    services = [
        ("glance", "image", ""),
        ("keystone", "identity", "/v3"),
        ("cts", "cts", f"/v1.0/{project_id}"),
        ("ctsv2", "ctsv2", f"/v2.0/{project_id}"),
        ("ctsv3", "ctsv3", f"/v3/{project_id}"),
    ]
    place = {"region": REGION, "region_id": REGION, "interface": "public"}
    return [
        {
            "id": f"service-{type_}",
            "name": name,
            "type": type_,
            "endpoints": [{"id": f"endpoint-{type_}", **place, "url": _base(request) + path}],
        }
        for name, type_, path in services
    ]


def _version(request: web.Request, name: str) -> dict[str, Any]:
    link = {"rel": "self", "href": f"{_base(request)}/{name.partition('.')[0]}/"}
    return {"id": name, "status": VERSIONS[name], "links": [link]}


def _base(request: web.Request) -> str:
    return str(request.url.origin())
