"""The configuration for nginx as it ships, in a real nginx before a real function."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.processes.launch import eventually, free_port
from tests.support.at_once import platforms
from tests.support.deploy_page import PAGE
from tests.support.paths import ROOT

CONFIGURATION = ROOT / "deploy" / "nginx" / "image-tagger.conf"
AT_ONCE = platforms()["nginx"]
TOKEN = "canary-events-token"
STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BEARER = STRUCTURED | {"Authorization": f"Bearer {TOKEN}"}


class Nginx:
    """A running nginx. folder: its logs and temporary files."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"https://127.0.0.1:{port}"
        self.certificate = folder / "image-tagger.pem"
        command = ["nginx", "-p", str(folder), "-e", f"{folder}/start.log", "-c", f"{folder}/nginx.conf"]
        self._process = subprocess.Popen(command)

    def answers(self) -> bool:
        assert self._process.poll() is None, self.logs()
        with suppress(requests.ConnectionError):
            return self.get("/").status_code == 405
        return False

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, verify=str(self.certificate), timeout=20)

    def post(self, content: bytes, path: str = "/", **headers: str) -> requests.Response:
        """Posts an event with the token, in structured mode."""
        named = BEARER | headers
        return requests.post(
            self.url + path, content, headers=named, verify=str(self.certificate), timeout=20
        )

    def connect(self) -> ssl.SSLSocket:
        """A connection to speak HTTP on."""
        context = ssl.create_default_context(cafile=self.certificate)
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=20), server_hostname="127.0.0.1"
        )

    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(20) == 0


def configure(folder: Path, function: Function, changed: dict[str, str]) -> int:
    """Writes nginx.conf and a certificate into the folder, and returns the port that it listens on.

    changed: other texts in the place of those that ship.
    """
    port = free_port()
    certificate = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=events "
        f"-addext subjectAltName=IP:127.0.0.1 "
        f"-keyout {folder}/image-tagger-key.pem -out {folder}/image-tagger.pem"
    )
    subprocess.run(certificate.split(), check=True, capture_output=True)
    shipped = CONFIGURATION.read_text(encoding="utf-8")
    here = {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "127.0.0.1:8000": f"127.0.0.1:{function.port}",
        "/etc/nginx/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
    }
    for old, new in (here | changed).items():
        assert old in shipped, old
        shipped = shipped.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    # The folders of pytest are closed to the user that root's workers become without this.
    user = "user root;" if os.geteuid() == 0 else ""
    text = (
        f"daemon off; {user} worker_processes 2; pid {folder}/pid; error_log {folder}/main.log;\n"
        f"events {{}} http {{ {temporary}\n{shipped} }}"
    )
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return port


Start = Callable[..., Nginx]


@pytest.fixture
def start(serve: Serve, tmp_path: Path) -> Iterator[Start]:
    """Starts nginx before a function that demands a token."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        pytest.skip("nginx and openssl are needed")
    with ExitStack() as ends:

        def start(changed: dict[str, str] | None = None) -> Nginx:
            function = serve(EVENTS_TOKEN=TOKEN, THREADS=str(AT_ONCE.threads))
            nginx = Nginx(tmp_path, configure(tmp_path, function, changed or {}))
            ends.callback(nginx.stop)
            eventually(nginx.answers, "start of nginx")
            return nginx

        yield start


def event(image_id: str) -> bytes:
    return json.dumps(created(image_id)).encode()


def test_delivery(start: Start, ims: Ims) -> None:
    """A delivery with its token is handled, one without is refused, and no reply tells nginx's version."""
    nginx, image_id = start(), ims.image()
    assert nginx.post(event(image_id)).status_code == 204
    assert ims.tags(image_id)
    refused = nginx.post(event(image_id), Authorization="Bearer wrong")
    assert (refused.status_code, refused.headers["Server"]) == (401, "nginx")
    assert nginx.get("/healthz").status_code == 200
    # What counts as a delivery has no way past max_conns.
    assert nginx.post(event(image_id), "/healthz").status_code == 403
    with nginx.connect() as connection:
        assert connection.version() == "TLSv1.3"


def test_notifications(start: Start, serve: Serve, ims: Ims) -> None:
    """A topic of SMN finds its way with the token in the address, and the page's command finds the address
    that confirms its subscription.
    """
    nginx, query = start(), f"/?access_token={TOKEN}"
    samples = ROOT / "tests" / "events"
    asked = nginx.post((samples / "smn-confirmation.json").read_bytes(), query, Authorization="")
    assert asked.status_code == 204
    command = re.search(r"^ +journalctl .* \| (grep -o .*)$", PAGE, re.MULTILINE)
    assert command
    log = serve(EVENTS_TOKEN=TOKEN, THREADS=str(AT_ONCE.threads)).output()
    found = subprocess.run(["bash", "-c", command[1]], input=log, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith(": https://smn.eu-de.example/subscribe?token=constructed")

    image_id = ims.image(id="bb0f1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a41")
    told = nginx.post((samples / "smn-notification.json").read_bytes(), query, Authorization="")
    assert (told.status_code, told.headers["Tagging-Outcome"]) == (204, "tagged")
    assert ims.tags(image_id)


def test_too_large(start: Start, ims: Ims) -> None:
    """A body above 1 MB and a head above 32 KB are refused in a few words, before the function hears."""
    nginx = start()
    reply = nginx.post(b" " * (2**20 + 1))
    assert (reply.status_code, reply.text) == (413, "The body is larger than 1 MB.\n")
    reply = nginx.post(event(ims.image()), **{f"x-{number}": "x" * 8000 for number in range(5)})
    assert reply.status_code == 400
    assert len(reply.content) < 512


def test_flood(start: Start, ims: Ims) -> None:
    """Deliveries that come faster than the rate wait, beyond the burst they are answered 429 with a wait."""
    nginx = start({"rate=100r/s": "rate=1r/s", "burst=50": "burst=2"})
    with ThreadPoolExecutor(12) as sender:
        replies = list(sender.map(nginx.post, [event(ims.image()) for _ in range(12)]))
    statuses = Counter(reply.status_code for reply in replies)
    assert statuses.keys() == {204, 429}
    assert statuses[204] >= 2
    refused = [reply for reply in replies if reply.status_code == 429]
    assert {reply.text for reply in refused} == {"Too many requests. Try again later.\n"}
    assert {reply.headers["Retry-After"] for reply in refused} == {"1"}


def test_flood_of_health_checks(start: Start) -> None:
    """Health checks past max_conns cannot be used to take the threads that are left for them."""
    nginx = start()
    with ThreadPoolExecutor(20) as sender:
        statuses = Counter(reply.status_code for reply in sender.map(nginx.get, ["/healthz"] * 60))
    assert statuses.keys() == {200, 429}


def test_slow_senders(start: Start, ims: Ims) -> None:
    """Bodies that do not come hold nginx and not the function; one address has 64 connections at the most."""
    nginx = start()
    head = b"POST / HTTP/1.1\r\nHost: events\r\nContent-Length: 9\r\n\r\n"
    with ExitStack() as ends:
        connections = [ends.enter_context(nginx.connect()) for _ in range(2 * AT_ONCE.threads)]
        for connection in connections:
            connection.sendall(head)
        assert nginx.post(event(ims.image())).status_code == 204
        connections += [ends.enter_context(nginx.connect()) for _ in range(64 - len(connections))]
        for connection in connections[2 * AT_ONCE.threads :]:
            connection.sendall(head)
        eventually(lambda: nginx.get("/").status_code == 429, "an answer to too many connections")


def test_busy(start: Start, ims: Ims) -> None:
    """While `max_conns` deliveries wait for the image service, another one is answered 503 and health 200."""
    nginx = start()
    ims.fault(match={"method": "PUT"}, delay=4, times=AT_ONCE.deliveries)
    with ThreadPoolExecutor(AT_ONCE.deliveries) as sender:
        deliveries = [sender.submit(nginx.post, event(ims.image())) for _ in range(AT_ONCE.deliveries)]
        eventually(lambda: len(ims.calls("PUT")) >= AT_ONCE.deliveries, "calls of all deliveries")
        reply = nginx.post(event(ims.image()))
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert reply.text == "The function is busy or away. Try again later.\n"
        assert nginx.get("/healthz").status_code == 200
        assert not [delivery for delivery in deliveries if delivery.done()]
        assert {delivery.result().status_code for delivery in deliveries} == {204}


def test_token_in_no_log(start: Start, ims: Ims) -> None:
    """A token in the query is taken, and nothing that goes wrong writes it into a log."""
    nginx = start({"rate=100r/s": "rate=1r/s", "burst=50": "burst=3"})
    query = f"/?access_token={TOKEN}"
    assert nginx.post(event(ims.image()), query, Authorization="").status_code == 204
    assert nginx.post(b" " * (2**20 + 1), query).status_code == 413
    # A body for a folder that is gone: of what nginx logs, the gravest line that quotes the request.
    shutil.rmtree(nginx.folder / "client_body")
    assert nginx.post(b" " * 2**19, query).status_code == 500
    with ThreadPoolExecutor(8) as sender:
        flood = [sender.submit(nginx.post, b"{}", query) for _ in range(8)]
    assert 429 in {reply.result().status_code for reply in flood}
    assert TOKEN not in nginx.logs()
