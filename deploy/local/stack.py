"""The whole system on one machine: bus, IMS emulator, function, subscription."""

import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from deploy.local.processes import Log, Processes

PROJECT_ID = "0123456789abcdef0123456789abcdef"

PASSED_ON = ("RULES", "TAG_FORM", "IMAGE_CREATED_TYPES", "NOT_READY_WINDOW", "EVENT_TIMEOUT", "LOG_LEVEL")
"""Settings of the function that a person may want to try here; the rest is the stack's own."""

BUS = """\
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{health}"
max_payload: 8MB
jetstream {{ store_dir: "{folder}" }}
"""


@dataclass(frozen=True)
class Stack:
    """Where a running stack can be reached, and the logs that show how events ended.

    check: raises NotRunning if a part has stopped.
    """

    bus: str
    ims: str
    function: str
    token: str
    function_log: Log
    subscription_log: Log
    check: Callable[[], None]


async def start_stack(processes: Processes, ready: Callable[[str, str], None]) -> Stack:
    """Starts everything, each part when what it needs is ready. Raises NotRunning.

    ready: called with each part that is, and its address.
    """
    scripts = Path(sys.executable).parent
    token = secrets.token_hex(16)

    port = processes.port(4222)
    bus = f"nats://127.0.0.1:{port}"
    configuration = processes.folder / "nats.conf"
    health = processes.port(8222)
    folder = processes.folder / "jetstream"
    configuration.write_text(BUS.format(port=port, health=health, folder=folder))
    command = [str(scripts / "nats-server"), "--config", str(configuration)]
    # Not with a client of NATS, which swallows a stop that comes while it closes.
    await processes.start("bus", command, {}, _answers(f"http://127.0.0.1:{health}/healthz"))
    ready("bus", bus)

    port = processes.port(8081)
    ims = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "deploy.local.ims", "--port", str(port), "--token", token, "--nats", bus]
    await processes.start("IMS emulator", command, {}, _answers(f"{ims}/_emulator/faults"))
    ready("IMS emulator", ims)

    port = processes.port(8080)
    function = f"http://127.0.0.1:{port}"
    command = [str(scripts / "functions-framework"), "--source", "main.py", "--target", "tag_created_image"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    settings = {"IMS_ENDPOINT": ims, "OS_TOKEN": token, "THREADS": "8", **_passed_on()}
    function_log = await processes.start("function", command, settings, _answers(f"{function}/healthz"))
    ready("function", function)

    subscription_log = processes.folder / "subscription.log"

    async def subscribed() -> bool:
        return b"subscription.ready" in subscription_log.read_bytes()

    settings = {"NATS_URL": bus, "SUBSCRIBER_URL": function, "PARALLEL": "8"}
    log = await processes.start("subscription", [sys.executable, "-m", "deploy.nats"], settings, subscribed)
    ready("subscription", f"{bus} -> {function}")
    return Stack(bus, ims, function, token, function_log, log, processes.check)


def _passed_on() -> dict[str, str]:
    settings = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    if "RULES" in settings:
        settings["RULES"] = str(Path(settings["RULES"]).absolute())
    return settings


def _answers(url: str) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as reply:
                return reply.ok
        except aiohttp.ClientError:
            return False

    return answers
