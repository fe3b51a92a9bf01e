"""The emulated metadata service of a machine.

It has a link-local address; here it has `/machine` in front of its paths.
"""

from aiohttp import web

from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state.identity import utc_time

routes = web.RouteTableDef()


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
    return web.json_response({"credential": names | {"expires_at": utc_time(key.ends_at)}})
