"""`python -m deploy.local.ims`: serve until stopped."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from textwrap import fill

from aiohttp import web

from deploy.local.ims import api, control
from deploy.local.ims.emulator import EMULATOR, Emulator
from deploy.local.ims.fields import fields_of
from deploy.local.ims.gateway.faults import MATCH, Fault
from deploy.local.ims.gateway.middleware import LARGEST_BODY, gateway
from deploy.local.ims.profile import InvalidProfile, Scene, scene_of
from deploy.local.ims.publisher import BusUnreachable, publisher

CONTROL = """\
Calls of the emulator's own, with JSON and without a token:
  POST   /_emulator/faults    have calls go wrong, for example
                              {{"status": 503, "times": 2, "match": {{"path": "/v1/cloudimages/tags"}}}}
  GET    /_emulator/faults    what is scripted, and how often it was applied
  DELETE /_emulator/faults    clear it
  POST   /_emulator/images    put an image there, without an event
  GET    /_emulator/calls     the newest calls of the emulated API
  GET    /_emulator/events    the newest events that calls caused
  POST   /_emulator/reset     put everything back to the start

{faults}
Of its match: {match}.
deploy/local/README.md explains them, and the other calls.
"""

LAST_ANSWERS = 0.5
"""Seconds for answers under way when the emulator is stopped."""


def _port(text: str) -> int:
    port = int(text)
    if port not in range(65536):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local.ims",
        description="An emulator of IMS.",
        epilog=CONTROL.format(
            faults=fill(f"Fields of a fault: {', '.join(fields_of(Fault))}.", 80), match=", ".join(MATCH)
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on; 0: a free one")
    parser.add_argument("--token", nargs="+", default=["local-token"], help="valid tokens (local-token)")
    parser.add_argument("--nats", metavar="URL", help="bus that events are published to; none: not published")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="be the cloud that `python main.py probe` has seen"
    )
    parser.add_argument("--subject", default="images.created", help="their subject (%(default)s)")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, scene: Scene) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with publisher(arguments.nats, arguments.subject) as bus:
        app = web.Application(middlewares=[control.invalid_requests, gateway], client_max_size=LARGEST_BODY)
        app[EMULATOR] = Emulator(arguments.token, bus, scene)
        app.add_routes([*api.routes, *control.routes])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS)
        await runner.setup()
        try:
            await web.TCPSite(runner, arguments.host, arguments.port).start()
            print(f"IMS emulator: http://{arguments.host}:{runner.addresses[0][1]}", flush=True)
            await stopped.wait()
        finally:
            await runner.cleanup()


def main() -> int:
    arguments = _arguments()
    try:
        asyncio.run(_serve(arguments, scene_of(arguments.profile) if arguments.profile else Scene()))
    except (BusUnreachable, InvalidProfile) as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as problem:
        where = f"{arguments.host}:{arguments.port}"
        print(
            f"Cannot listen on {where} ({problem.strerror}): choose another --port or --host.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
