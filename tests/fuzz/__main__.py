"""`python -m tests.fuzz`: the function's door under mutated requests, in this process.

Looks for a reply of 5xx, an exception, an echo, a reply of more than 512 bytes, a request that takes longer
than a second, and memory that grows. The process may not have more memory than the deploy files grant: what
asks for more gets a MemoryError. The tag API is a stub that refuses and throttles now and then, but never
fails, so that no 5xx has a right to be. Exit code 1: something was found.
"""

import argparse
import gc
import io
import itertools
import os
import random
import resource
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import functions_framework

from handlers.edges.cloudevents.flask import REPLY_MAX
from tests.fuzz.hostile import MEGABYTE
from tests.fuzz.mutations import MARK, Mutations, Sent
from tests.support.paths import ROOT

MAIN = ROOT / "main.py"

SECONDS_MAX = 1.0
GROWTH_MAX = 16.0
"""MiB, after the warm-up."""
WARM_UP = 0.1
"""The share of requests after which memory counts."""
MEMORY_MAX = 256
"""MiB that the process may have: what the deploy files grant."""
FOUND_MAX = 10

ANSWERS = [
    *[b"HTTP/1.1 204 No Content\r\n\r\n"] * 7,
    *(
        b"HTTP/1.1 %s x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
        for status, body in (
            (b"400", b'{"error": {"code": "IMG.0115", "message": "no"}}'),
            (b"400", b'{"error": {"code": "IMG.0116", "message": "full"}}'),
            (b"429", b'{"error_code": "APIG.0308", "error_msg": "slow"}'),
        )
    ),
]
IMAGE = b'{"tags": [], "status": "SUCCESS", "entities": {"image_id": "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"}}'
"""An answer about an image and about a job at once."""


class _Stub(socketserver.StreamRequestHandler):
    answers = itertools.cycle(ANSWERS)

    def handle(self) -> None:
        while request := self.rfile.readline():
            length = 0
            while line := self.rfile.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            shown = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(IMAGE), IMAGE)
            self.wfile.write(shown if request.startswith(b"GET") else next(self.answers))


class _Log(io.TextIOBase):
    """The function's log, of which only tracebacks matter."""

    def __init__(self) -> None:
        self.traceback = ""

    def write(self, text: str) -> int:
        if '"traceback"' in text:
            self.traceback = text
        return len(text)


@contextmanager
def _tag_api() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Stub) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _environ(sent: Sent) -> dict[str, Any]:
    """The request as a WSGI server hands it over."""
    path, _, query = sent.path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "function",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
    }
    for name, value in sent.headers.items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    if sent.length is not None:
        environ["CONTENT_LENGTH"] = sent.length
    return environ


class Door:
    """The function, spoken to as its server does. Keeps what it found wrong."""

    def __init__(self, app: Callable[..., Any], log: _Log) -> None:
        self._app = app
        self._log = log
        self.statuses: Counter[str] = Counter()
        self.slowest = 0.0
        self.found: list[str] = []

    def send(self, number: int, sent: Sent) -> None:
        status, body, seconds = self._answer(sent)
        if seconds > SECONDS_MAX:
            _, _, seconds = self._answer(sent)  # once more, since a machine may stand still for a while
        self.slowest = max(self.slowest, seconds)
        self.statuses[status] += 1
        wrong = {
            f"status {status}": status >= "500",
            f"raised: {self._log.traceback}": bool(self._log.traceback),
            "echoes the request": MARK.encode() in body,
            f"a reply of {len(body)} bytes": len(body) > REPLY_MAX,
            f"took {seconds:.2f} s": seconds > SECONDS_MAX,
        }
        self._log.traceback = ""
        self.found += [
            f"request {number}: {what}\n  {sent!r:.2000}" for what, is_so in wrong.items() if is_so
        ]

    def _answer(self, sent: Sent) -> tuple[str, bytes, float]:
        statuses = list[str]()
        began = time.perf_counter()
        try:
            pieces = self._app(_environ(sent), lambda status, _headers, _=None: statuses.append(status[:3]))
            body = b"".join(pieces)
            getattr(pieces, "close", lambda: None)()
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"599 {type(error).__name__}: {error}", b"", 0
        return statuses[-1], body, time.perf_counter() - began


def _resident() -> float:
    """MiB that this process has in memory now, as Linux counts them."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


def _peak() -> float:
    """MiB that this process has had in memory at the most; unlike ru_maxrss, without what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def fuzz(requests: int, seed: int) -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX * MEGABYTE, MEMORY_MAX * MEGABYTE))
    log = _Log()
    with _tag_api() as endpoint, redirect_stdout(log):
        os.environ.update(IMS_ENDPOINT=endpoint, OS_TOKEN="a-token")
        framework: Any = functions_framework  # it has no types
        app = framework.create_app("tag_created_image", str(MAIN))
        door, mutations = Door(app, log), Mutations(seed)
        warm, began = 0.0, time.perf_counter()
        for number in range(requests):
            if number == int(requests * WARM_UP):
                warm = _resident()
            door.send(number, mutations.next())
            if len(door.found) >= FOUND_MAX:
                break
        seconds, growth = time.perf_counter() - began, _resident() - warm
    peak = _peak()
    if growth > GROWTH_MAX:
        door.found.append(f"memory grew by {growth:.1f} MiB")
    say = sys.stdout.write
    say(f"seed {seed}: {door.statuses.total():,} requests in {seconds:.0f} s\n")
    replies = ", ".join(f"{count:,} x {status}" for status, count in sorted(door.statuses.items()))
    say(f"replies: {replies}\n")
    say(f"slowest: {door.slowest * 1000:.0f} ms\n")
    say(f"memory: {warm:.1f} MiB after the warm-up, {growth:+.1f} MiB since, ")
    say(f"{peak:.1f} MiB at most of {MEMORY_MAX}\n")
    say("".join(f"FOUND {each}\n" for each in door.found) or "nothing found\n")
    return 1 if door.found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the HTTP entry.")
    parser.add_argument("--requests", type=int, default=200_000, help="default: 200,000")
    parser.add_argument("--seed", type=int, help="default: a new one, which is printed")
    asked = parser.parse_args()
    chosen = random.SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    sys.exit(fuzz(asked.requests, chosen))
