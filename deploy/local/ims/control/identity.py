"""The part of the control plane that is about identity: users, agencies, keys, and tokens.

    PUT /_emulator/tokens/TOKEN
    {"project_id": "0123456789abcdef0123456789abcdef", "denied": ["cts:trace:list"]}

    PUT /_emulator/users/NAME
    {"password": "secret", "domain": "example", "projects": {"PROJECT": "eu-de"},
     "denied": ["ims:images:list"]}

`denied` takes rights away. Tokens that were issued before keep theirs.
"""

from dataclasses import asdict, replace

from aiohttp import web

from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.state import Token
from deploy.local.ims.state.identity import Agency, Failures, Key, Settings, User

routes = web.RouteTableDef()


@routes.put("/_emulator/tokens/{token}")
async def set_token(request: web.Request) -> web.Response:
    token = Token(**await received(request, "A token", Token))
    request.app[EMULATOR].cloud.tokens[request.match_info["token"]] = token
    return web.Response(status=204)


@routes.delete("/_emulator/tokens/{token}")
async def drop_token(request: web.Request) -> web.Response:
    request.app[EMULATOR].cloud.tokens.pop(request.match_info["token"], None)
    return web.Response(status=204)


@routes.put("/_emulator/users/{name}")
async def set_user(request: web.Request) -> web.Response:
    user = User(**{"password": "", **await received(request, "A user", User)})
    request.app[EMULATOR].identity.users[request.match_info["name"]] = user
    return web.Response(status=204)


@routes.put("/_emulator/agencies/{name}")
async def set_agency(request: web.Request) -> web.Response:
    agency = Agency(**{"domain": "", "projects": {}, **await received(request, "An agency", Agency)})
    request.app[EMULATOR].identity.agencies[request.match_info["name"]] = agency
    return web.Response(status=204)


@routes.put("/_emulator/keys/{access}")
async def set_key(request: web.Request) -> web.Response:
    """A key that is set anew is not locked."""
    identity, access = request.app[EMULATOR].identity, request.match_info["access"]
    identity.keys[access] = Key(**{"secret": "", **await received(request, "A key", Key)})
    identity.failures.pop(access, None)
    return web.Response(status=204)


@routes.get("/_emulator/keys/{access}")
async def show_key(request: web.Request) -> web.Response:
    """Its failures in a row, and until when it is locked."""
    failures = request.app[EMULATOR].identity.failures.get(request.match_info["access"], Failures())
    return web.json_response(asdict(failures))


@routes.delete("/_emulator/keys/{access}")
async def drop_key(request: web.Request) -> web.Response:
    request.app[EMULATOR].identity.keys.pop(request.match_info["access"], None)
    return web.Response(status=204)


@routes.put("/_emulator/identity")
async def change_settings(request: web.Request) -> web.Response:
    """What is not named stays as it is."""
    identity = request.app[EMULATOR].identity
    identity.settings = replace(identity.settings, **await received(request, "The identity", Settings))
    return web.json_response(asdict(identity.settings))


@routes.post("/_emulator/issued-tokens/expire")
async def expire_tokens(request: web.Request) -> web.Response:
    """Those that were issued for a password have to be renewed (APIG.0307)."""
    emulator = request.app[EMULATOR]
    for text in emulator.identity.issued & emulator.cloud.tokens.keys():
        emulator.cloud.tokens[text] = replace(emulator.cloud.tokens[text], expired=True)
    return web.Response(status=204)


@routes.delete("/_emulator/issued-tokens")
async def revoke_tokens(request: web.Request) -> web.Response:
    """They are not known any longer (APIG.0301)."""
    emulator = request.app[EMULATOR]
    for text in emulator.identity.issued:
        emulator.cloud.tokens.pop(text, None)
    return web.Response(status=204)
