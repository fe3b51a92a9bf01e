"""Answers that are no success: refusals, and every way in which an answer can go wrong."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import assert_never

from aiohttp import web

from deploy.local.ims.errors import ERRORS, Refused, error_body
from deploy.local.ims.gateway.call_log import Call
from deploy.local.ims.gateway.faults import Break, Fault

SLICES = 20
"""Pieces in which a slow body comes."""


def refusal(refused: Refused, request_id: str) -> web.Response:
    if not refused.code:
        return web.Response(status=refused.status, headers={"X-Request-Id": request_id})
    body = error_body(refused.code, refused.message, request_id)
    return web.json_response(body, status=refused.status, headers={"X-Request-Id": request_id})


async def faulty(
    fault: Fault,
    request: web.Request,
    call: Call,
    serve: Callable[[], Awaitable[web.StreamResponse]],
    request_id: str,
) -> web.StreamResponse:
    """The answer that the fault makes of this call."""
    served = await serve() if fault.after == "after" else None
    if fault.transport != "slow":
        await asyncio.sleep(fault.delay)
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if not fault.replaces:
        response = await serve() if served is None else served
        response.headers.update(headers)
        return response
    scripted = _scripted(fault, request_id)
    scripted.headers.update({"X-Request-Id": request_id} | headers)
    if fault.transport == "slow":
        call.status = scripted.status
        return await _slowly(request, scripted, fault.delay)
    if fault.transport is not None:
        call.status = scripted.status if fault.transport == "half" else None
        return _broken(request, scripted, fault.transport)
    call.status = scripted.status
    return scripted


def _scripted(fault: Fault, request_id: str) -> web.Response:
    known_status, known_message = ERRORS.get(str(fault.code), (500, "A scripted fault."))
    status = fault.status or known_status
    if fault.body is not None:
        raw = fault.body.encode()
        return web.Response(status=status, body=raw, headers={"Content-Type": fault.content_type})
    if fault.code is None and fault.message is None and fault.transport is None:
        # IMS promises a body of its own with status 400 alone, so a bare status comes without one.
        return web.Response(status=status)
    body = error_body(fault.code, fault.message or known_message, request_id, fault.shape)
    return web.json_response(body, status=status)


def _bytes(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


async def _slowly(request: web.Request, scripted: web.Response, seconds: float) -> web.StreamResponse:
    """The head at once, the body in slices over that time."""
    body = _bytes(scripted)
    response = web.StreamResponse(status=scripted.status, headers=scripted.headers)
    response.content_length = len(body)
    await response.prepare(request)
    size = max(1, len(body) // SLICES)
    slices = [body[start : start + size] for start in range(0, len(body), size)]
    # A client that does not wait for the end is what a slow body is for.
    with suppress(ConnectionError):
        for piece in slices:
            await asyncio.sleep(seconds / len(slices))
            await response.write(piece)
    return response


def _broken(request: web.Request, scripted: web.Response, way: Break) -> web.Response:
    """No proper HTTP: what comes instead goes straight to the connection, which then ends."""
    connection = request.transport
    if connection is not None:
        match way:
            case "half":
                body = _bytes(scripted)
                connection.write(_head(scripted, len(body)) + body[: len(body) // 2])
            case "garbage":
                connection.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            case "reset":
                # Lingering for no time makes the kernel send a reset in place of an orderly end.
                no_linger = struct.pack("ii", 1, 0)
                connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            case "close":
                pass
            case _:
                assert_never(way)
        connection.close()
    # The server needs some answer to drop: the connection takes no more.
    return web.Response()


def _head(response: web.Response, length: int) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()
