"""The emulated calls of Identity and Access Management: tokens."""

from typing import Any

from aiohttp import web

from deploy.local.ims.api.requests import json_object
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state import USER, Identity
from deploy.local.ims.state.identity import utc_time

routes = web.RouteTableDef()


@routes.post("/v3/auth/tokens")
async def create_token(request: web.Request) -> web.Response:
    """Pages "Obtaining a User Token" and "Obtaining an Agency Token". The messages are our words."""
    emulator = request.app[EMULATOR]
    identity = emulator.identity
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
            caller = emulator.cloud.tokens.get(request.headers.get("X-Auth-Token", ""))
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
    text, now = identity.issue(user, project_id), identity.now()
    body = {
        "methods": ["password"],
        "issued_at": utc_time(now),
        "expires_at": utc_time(now + identity.settings.token_life),
        "user": user,
        **({"project": {"id": project_id, "name": project}} if project_id else {}),
        "catalog": [],
    }
    return web.json_response({"token": body}, status=201, headers={"X-Subject-Token": text})


def _refused(status: int, message: str) -> web.Response:
    title = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}[status]
    return web.json_response({"error": {"code": status, "message": message, "title": title}}, status=status)


def _member(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}
