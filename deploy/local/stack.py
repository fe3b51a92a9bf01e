"""The whole system on one machine: bus, IMS emulator, function, subscription."""

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from deploy.local.process_log import Log
from deploy.local.processes import ROOT, Processes

PROJECT_ID = "0123456789abcdef0123456789abcdef"

SHIPPED = ROOT / "handlers" / "rules.toml"

JUDGED = "f0bcece6e9943b7255e21f2b5b54f5e7ee0911ad9b8cf55fc66508fb684cf0c0"
"""SHA-256 of the table as it ships, under which is known what should come of the sample events."""

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

    rules: the table of the function. judged: whether it is the shipped one, of which is known what should
    come of the sample events. settings: those of the function that a person has set, with its table.
    processes: what runs.
    """

    bus: str
    ims: str
    function: str
    token: str
    function_log: Log
    subscription_log: Log
    rules: Path
    judged: bool
    settings: Mapping[str, str]
    processes: Processes


async def start_stack(
    processes: Processes,
    ready: Callable[[str, str], None],
    before_function: Callable[[str], Awaitable[None]],
    *,
    own_copy: bool = False,
) -> Stack:
    """Starts everything, each part when what it needs is ready. Raises NotRunning.

    ready: called with each part that is, and its address. before_function: called with the emulator's address
    while no function listens. own_copy: whether the function gets a copy of the
    shipped table, which somebody may change, unless RULES names another.
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
    await before_function(ims)

    port = processes.port(8080)
    function = f"http://127.0.0.1:{port}"
    command = [str(scripts / "functions-framework"), "--source", "main.py", "--target", "tag_created_image"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    passed_on = _passed_on()
    if own_copy:
        passed_on.setdefault("RULES", str(_copy_of_the_shipped_table(processes.folder)))
    rules = Path(passed_on.get("RULES", SHIPPED))
    settings = {"IMS_ENDPOINT": ims, "OS_TOKEN": token, "THREADS": "8", **passed_on}
    function_log = await processes.start("function", command, settings, _answers(f"{function}/healthz"))
    ready("function", function)

    subscription_log = processes.folder / "subscription.log"

    async def subscribed() -> bool:
        return b"subscription.ready" in subscription_log.read_bytes()

    settings = {"NATS_URL": bus, "SUBSCRIBER_URL": function, "PARALLEL": "8"}
    log = await processes.start("subscription", [sys.executable, "-m", "deploy.nats"], settings, subscribed)
    ready("subscription", f"{bus} -> {function}")
    return Stack(
        bus, ims, function, token, function_log, log, rules, _is_shipped(rules), passed_on, processes
    )


def _is_shipped(rules: Path) -> bool:
    return hashlib.sha256(rules.read_bytes()).hexdigest() == JUDGED


def _copy_of_the_shipped_table(folder: Path) -> Path:
    """A copy beside what belongs to it, and beside the original, by which a change is seen."""
    copy = folder / "rules"
    copy.mkdir()
    for file in SHIPPED.parent.glob("rules.*"):
        if file.suffix != ".md":
            shutil.copyfile(file, copy / file.name)
    shutil.copyfile(SHIPPED, copy / ".original.toml")
    return copy / SHIPPED.name


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
