"""The emulated calls around identity: tokens of IAM, and the metadata service of a machine.

The metadata service has a link-local address; here it has `/machine` in front of its paths.
"""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .emulator import EMULATOR
from .identity import Identity
from .state import USER
from .wire import json_object

routes = web.RouteTableDef()


@routes.post("/v3/auth/tokens")
async def create_token(request: web.Request) -> web.Response:
    """Pages "Obtaining a User Token" and "Obtaining an Agency Token". The messages are our words."""
    identity = request.app[EMULATOR].identity
    auth = _member(await json_object(request), "auth")
    asked, scope = _member(auth, "identity"), _member(auth, "scope")
    match asked.get("methods"):
        case ["password"]:
            given = _member(_member(asked, "password"), "user")
            user = identity.users.get(str(given.get("name")))
            domain = _member(given, "domain").get("name")
            if user is None or given.get("password") != user.password or domain != user.domain:
                return _refused(401, "The username or password is wrong.")
            name, projects, domain = str(given["name"]), user.projects, user.domain
        case ["assume_role"]:
            caller = request.app[EMULATOR].cloud.tokens.get(request.headers.get("X-Auth-Token", ""))
            if caller is None:
                return _refused(401, "The request you have made requires authentication.")
            role = _member(asked, "assume_role")
            agency = identity.agencies.get(str(role.get("agency_name")))
            if agency is None or role.get("domain_name") != agency.domain:
                return _refused(403, "The agency does not exist, or may not be assumed.")
            name, projects, domain = (
                f"{caller.user['name']}/{role['agency_name']}",
                agency.projects,
                agency.domain,
            )
        case _:
            return _refused(400, "The method is not known.")
    project = _member(scope, "project")
    project_id = next((id_ for id_, name in projects.items() if project in ({"id": id_}, {"name": name})), "")
    if not project_id and scope != {"domain": {"name": domain}}:
        return _refused(401, "The project does not exist, or is not the user's.")
    return _token(identity, name, domain, project_id, projects.get(project_id, ""))


def _token(identity: Identity, name: str, domain: str, project_id: str, project: str) -> web.Response:
    user = {**USER, "name": name, "domain": {**USER["domain"], "name": domain}}
    text = identity.issue(user, project_id)
    body = {
        "methods": ["password"],
        "issued_at": _time(identity.now()),
        "expires_at": _time(identity.now() + identity.settings.token_life),
        "user": user,
        **({"project": {"id": project_id, "name": project}} if project_id else {}),
        "catalog": [],
    }
    return web.json_response({"token": body}, status=201, headers={"X-Subject-Token": text})


@routes.put("/machine/meta-data/latest/api/token")
async def metadata_token(request: web.Request) -> web.Response:
    identity = request.app[EMULATOR].identity
    if not identity.settings.metadata_tokens:
        return web.Response(status=404)
    return web.Response(text=identity.metadata_token)


@routes.get("/machine/openstack/latest/securitykey")
async def machine_keys(request: web.Request) -> web.Response:
    """Page "Obtaining ECS Details Using Metadata" of the "Elastic Cloud Server user guide"."""
    identity = request.app[EMULATOR].identity
    given = request.headers.get("X-Metadata-Token")
    if identity.settings.metadata_tokens and given != identity.metadata_token:
        return web.Response(status=401, text="A token of the metadata service is needed.")
    access = identity.settings.machine_key
    key = identity.keys.get(access or "")
    if access is None or key is None:
        return web.Response(status=401, text="Please configure Cloud Service Agency first")
    names = {"access": access, "secret": key.secret, "securitytoken": key.security_token}
    return web.json_response({"credential": names | {"expires_at": _time(key.ends_at)}})


def _refused(status: int, message: str) -> web.Response:
    title = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}[status]
    return web.json_response({"error": {"code": status, "message": message, "title": title}}, status=status)


def _member(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def _time(moment: float) -> str:
    return datetime.fromtimestamp(min(moment, 32503679999), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
