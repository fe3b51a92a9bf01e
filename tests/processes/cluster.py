"""Three NATS servers on this machine, with the configuration that ships, with identities and TLS.

What an operator does with nsc and a certificate authority is done here with nkeys and openssl.
"""

import asyncio
import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import nats
import nats.errors
import nkeys  # type: ignore[import-untyped] # it ships no types
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StreamConfig

from tests.processes.launch import eventually, free_port
from tests.support.paths import ROOT

SHIPPED = ROOT / "deploy" / "nats" / "server.conf"

ANSWER_SECONDS = 0.5
"""Of the cluster, as long as somebody leads who can give it."""

T = TypeVar("T")


class Key:
    """A key pair of NATS. prefix: one of nkeys.PREFIX_BYTE_..., what the key is of."""

    def __init__(self, prefix: int) -> None:
        self.seed = nkeys.encode_seed(os.urandom(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.public = self._pair.public_key.decode()

    def token(self, subject: "Key", name: str, **claims: Any) -> str:
        """A JWT that says these things of the subject, signed with this key."""
        body = {"jti": name, "iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": name}
        parts: list[dict[str, Any]] = [
            {"typ": "JWT", "alg": "ed25519-nkey"},
            body | {"nats": {"version": 2, **claims}},
        ]
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_base64(self._pair.sign(text.encode()))}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Identities:
    """An operator with an account for the images, as `nsc` makes them. folder: where credentials go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._account = Key(nkeys.PREFIX_BYTE_ACCOUNT)
        operator, system = Key(nkeys.PREFIX_BYTE_OPERATOR), Key(nkeys.PREFIX_BYTE_ACCOUNT)
        names = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
        limits: dict[str, Any] = dict.fromkeys(names, -1) | {"wildcards": True}
        storage = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
        accounts = {
            system.public: operator.token(system, "SYS", type="account", limits=limits),
            self._account.public: operator.token(
                self._account, "IMAGES", type="account", limits=limits | storage
            ),
        }
        itself = operator.token(operator, "operator", type="operator", system_account=system.public)
        known = "\n".join(f"  {public}: {token}" for public, token in accounts.items())
        self.configuration = (
            f"operator: {itself}\nsystem_account: {system.public}\n"
            f"resolver: MEMORY\nresolver_preload {{\n{known}\n}}\n"
        )

    def credentials(
        self, name: str, publish: Sequence[str] = (">",), subscribe: Sequence[str] = (">",)
    ) -> Path:
        """The file of a user who may do these things."""
        user = Key(nkeys.PREFIX_BYTE_USER)
        rights = {"pub": {"allow": [*publish]}, "sub": {"allow": [*subscribe]}}
        limits = dict.fromkeys(("subs", "data", "payload"), -1)
        token = self._account.token(user, name, type="user", **rights, **limits)
        path = self._folder / f"{name}.creds"
        path.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
        )
        return path


def make_certificates(folder: Path) -> None:
    """ca.pem, and server.pem with server-key.pem for 127.0.0.1, valid for a day."""
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    ours = ["-keyout", "ca-key.pem", "-x509", "-days", "1", "-subj", "/CN=authority", "-out", "ca.pem"]
    server = ["-keyout", "server-key.pem", "-x509", "-days", "1", "-subj", "/CN=server", "-out", "server.pem"]
    server += ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-addext", "subjectAltName=IP:127.0.0.1"]
    server += ["-addext", "basicConstraints=critical,CA:FALSE"]
    for arguments in (ours, server):
        subprocess.run([*new, *arguments], cwd=folder, check=True, capture_output=True)


class Cluster:
    """The three servers. Each has the shipped configuration but for folders, hosts and ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.identities = Identities(folder)
        make_certificates(folder)
        (folder / "auth.conf").write_text(self.identities.configuration)
        ports = [free_port() for _ in range(6)]
        self.urls = [f"tls://127.0.0.1:{port}" for port in ports[:3]]
        self.url = ",".join(self.urls)
        self._processes = [self._start(number, ports) for number in range(3)]

    def _start(self, number: int, ports: list[int]) -> "subprocess.Popen[bytes]":
        text = SHIPPED.read_text(encoding="utf-8").replace("/etc/nats", str(self.folder))
        text = text.replace("/var/lib/nats", str(self.folder / f"store-{number}"))
        text = text.replace("0.0.0.0:4222", f"127.0.0.1:{ports[number]}")
        text = text.replace("0.0.0.0:6222", f"127.0.0.1:{ports[3 + number]}")
        for other in range(3):
            text = text.replace(f"nats-{other + 1}.example.com:6222", f"127.0.0.1:{ports[3 + other]}")
        configuration = self.folder / f"server-{number}.conf"
        configuration.write_text(text)
        server = Path(sysconfig.get_path("scripts")) / "nats-server"
        with (self.folder / f"log-{number}").open("wb") as log:
            return subprocess.Popen(
                [server, "--config", configuration],
                env={"SERVER_NAME": f"nats-{number + 1}"},
                stderr=log,
            )

    def kill(self, number: int) -> None:
        """As a crash would: no farewell to clients and to the other two."""
        self._processes[number].kill()
        self._processes[number].wait(15)

    def lead(self, number: int) -> None:
        """Have this server lead the stream of events and its consumer."""
        leader = f"nats-{number + 1}"
        wanted = json.dumps({"placement": {"preferred": leader}}).encode()

        async def lead(client: Client) -> None:
            for what in ("STREAM.LEADER.STEPDOWN.IMAGES", "CONSUMER.LEADER.STEPDOWN.IMAGES.tagger"):
                await client.request(f"$JS.API.{what}", wanted, timeout=ANSWER_SECONDS)

        def leads() -> bool:
            # While a leader is being chosen nobody answers.
            with suppress(nats.errors.Error):
                if self._do(_leaders) == [leader, leader]:
                    return True
                self._do(lead)
            return False

        eventually(leads, f"lead of {leader}")

    def do(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Run `work` as a user who may do everything."""
        return self._do(lambda client: work(client.jetstream()))

    def _do(self, work: Callable[[Client], Awaitable[T]]) -> T:
        async def connected() -> T:
            client = await nats.connect(
                self.url.split(","),
                user_credentials=self.identities.credentials("everything"),
                tls=self.tls,
                allow_reconnect=False,
            )
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(connected())

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Cluster"]:
        """The three, with the streams as an operator makes them: of three replicas."""
        if not shutil.which("openssl"):
            pytest.skip("openssl is needed to make certificates")
        cluster = cls(Path(tempfile.mkdtemp(prefix="nats-of-the-tests-")))
        try:
            cluster.ready()
            eventually(cluster.has_streams, "the streams of the cluster")
            yield cluster
        finally:
            cluster.stop()

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca)

    def ready(self) -> None:
        """Return when the three have met, chosen a leader, and answer."""

        def answers() -> bool:
            try:
                self._do(lambda client: client.jetstream(timeout=ANSWER_SECONDS).account_info())
            except nats.errors.Error:
                return False
            return True

        def led() -> bool:
            logs = [(self.folder / f"log-{number}").read_text() for number in range(3)]
            return all(
                re.search("is new JetStream cluster metadata leader|new metadata leader: ", log)
                for log in logs
            )

        eventually(led, "a leader of the cluster")
        eventually(answers, "an answer of the cluster")

    def has_streams(self) -> bool:
        """Whether the streams are there, now if not before: to choose who leads them can take long."""
        with suppress(nats.errors.Error):
            self.do(_make_streams)
            return True
        return False

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(15)
        shutil.rmtree(self.folder)


async def _make_streams(js: JetStreamContext) -> None:
    ours = {"retention": RetentionPolicy.WORK_QUEUE, "num_replicas": 3}
    await js.add_stream(StreamConfig(name="IMAGES", subjects=["images.>"]), **ours)
    await js.add_stream(StreamConfig(name="IMAGES_DEAD", subjects=["images-dead.>"], max_bytes=2**20), **ours)


async def _leaders(client: Client) -> list[str | None]:
    js = client.jetstream(timeout=ANSWER_SECONDS)
    clusters = [
        (await js.stream_info("IMAGES")).cluster,
        (await js.consumer_info("IMAGES", "tagger")).cluster,
    ]
    return [cluster and cluster.leader for cluster in clusters]
