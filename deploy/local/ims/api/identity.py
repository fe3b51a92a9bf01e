"""The emulated calls of Identity and Access Management: tokens."""

from typing import Any

from aiohttp import web

from deploy.local.ims.api.discovery import catalog
from deploy.local.ims.api.requests import json_object
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state import USER
from deploy.local.ims.state.identity import Agency, User, utc_time

routes = web.RouteTableDef()


@routes.post("/v3/auth/tokens")
async def create_token(request: web.Request) -> web.Response:
    """Pages "Obtaining a User Token" and "Obtaining an Agency Token". The messages are our words."""
    emulator = request.app[EMULATOR]
    auth = _member(await json_object(request), "auth")
    asked, scope = _member(auth, "identity"), _member(auth, "scope")
    holder: User | Agency | None
    match asked.get("methods"):
        case ["password"]:
            given = _member(_member(asked, "password"), "user")
            name = str(given.get("name"))
            holder = emulator.identity.users.get(name)
            if (
                holder is None
                or given.get("password") != holder.password
                or not _is_domain(_member(given, "domain"), holder.domain)
            ):
                return _refused(401, "The username or password is wrong.")
        case ["assume_role"]:
            caller = emulator.cloud.tokens.get(request.headers.get("X-Auth-Token", ""))
            if caller is None:
                return _refused(401, "The request you have made requires authentication.")
            role = _member(asked, "assume_role")
            holder = emulator.identity.agencies.get(str(role.get("agency_name")))
            if holder is None or role.get("domain_name") != holder.domain:
                return _refused(403, "The agency does not exist, or may not be assumed.")
            name = f"{caller.user['name']}/{role['agency_name']}"
        case _:
            return _refused(400, "The method is not known.")
    project_id = _project(_member(scope, "project"), holder)
    if not project_id and not (scope.keys() == {"domain"} and _is_domain(scope["domain"], holder.domain)):
        return _refused(401, "The project does not exist, or is not the user's.")
    return _token(request, name, holder, project_id)


def _is_domain(given: Any, name: str) -> bool:
    """All accounts have one id here."""
    return given in ({"name": name}, {"id": USER["domain"]["id"]})


def _project(given: dict[str, Any], holder: User | Agency) -> str:
    """The id of the project that a scope names, or nothing. Its domain may be named with it."""
    if "domain" in given and not _is_domain(given["domain"], holder.domain):
        return ""
    project = {name: value for name, value in given.items() if name != "domain"}
    return next(
        (id_ for id_, name in holder.projects.items() if project in ({"id": id_}, {"name": name})), ""
    )


def _token(request: web.Request, name: str, holder: User | Agency, project_id: str) -> web.Response:
    identity = request.app[EMULATOR].identity
    domain = {**USER["domain"], "name": holder.domain}
    user = {**USER, "name": name, "domain": domain}
    text, now = identity.issue(user, project_id, holder.denied), identity.now()
    project = {"id": project_id, "name": holder.projects.get(project_id), "domain": domain}
    body = {
        "methods": ["password"],
        "issued_at": utc_time(now),
        "expires_at": utc_time(now + identity.settings.token_life),
        "user": user,
        **({"project": project} if project_id else {"domain": domain}),
        "roles": [],
        "catalog": catalog(request, project_id) if project_id else [],
    }
    return web.json_response({"token": body}, status=201, headers={"X-Subject-Token": text})


def _refused(status: int, message: str) -> web.Response:
    title = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}[status]
    return web.json_response({"error": {"code": status, "message": message, "title": title}}, status=status)


def _member(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}
