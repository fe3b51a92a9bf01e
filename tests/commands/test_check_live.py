"""`check --live`: whether the credentials, the project and the image service can be used."""

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.processes.commands import Commands
from tests.processes.emulator import Ims
from tests.processes.scripted_server import answer, peer


def live(commands: Commands, url: str, **environ: str) -> tuple[int, Any]:
    settings = {"IMS_ENDPOINT": url, "OS_TOKEN": Ims.token} | environ
    ran = commands("check", "--live", "--json", **settings)
    shown = commands("check", "--live", **settings)
    answer = ran.json["live"]
    assert shown.code == ran.code
    assert shown.shows(answer["message"])
    return ran.code, answer["at_fault"]


def test_live(commands: Commands, ims: Ims) -> None:
    """That IMS does not know an image that cannot be, shows that endpoint, credentials and right are fine."""
    assert live(commands, ims.url) == (0, None)
    assert ims.calls("PUT") == []
    # Each of the two runs also asked with a wrong token.
    assert len(ims.calls()) == 4


AT_FAULT: dict[str, tuple[dict[str, Any], str]] = {
    "no right": ({"status": 400, "code": "IMG.0161", "message": "no"}, "right"),
    "no right, by the gateway": ({"status": 403, "code": "APIG.0302", "shape": "gateway"}, "right"),
    "wrong project": ({"status": 400, "code": "IMG.0067", "message": "no"}, "project"),
    "expired": ({"status": 401, "code": "APIG.0307", "shape": "gateway"}, "credentials"),
    "a page": ({"status": 404, "body": "<html>", "content_type": "text/html"}, "endpoint"),
    "an unknown path": ({"status": 404, "code": "APIG.0101", "shape": "gateway"}, "endpoint"),
    "another service": ({"status": 200, "body": "{}", "content_type": "application/json"}, "endpoint"),
    "an image": ({"status": 200, "body": '{"tags": []}', "content_type": "application/json"}, "endpoint"),
    "cut off": ({"transport": "close"}, "endpoint"),
    "too many calls": ({"status": 429, "code": "APIG.0308", "shape": "gateway"}, "tag API"),
    "a fault of its own": ({"status": 500, "code": "IMG.0061", "message": "oops"}, "tag API"),
}


@pytest.mark.parametrize(("effect", "at_fault"), AT_FAULT.values(), ids=AT_FAULT)
def test_what_is_at_fault(commands: Commands, ims: Ims, effect: dict[str, Any], at_fault: str) -> None:
    """What the answer speaks against is named, and is a fault."""
    ims.fault(times=10, **effect)
    assert live(commands, ims.url) == (1, at_fault)


def test_a_wrong_token(commands: Commands, ims: Ims) -> None:
    """A token that IMS does not know is a fault of the credentials, and is not shown."""
    assert live(commands, ims.url, OS_TOKEN="wrong") == (1, "credentials")
    environ = {"IMS_ENDPOINT": ims.url, "OS_TOKEN": "wrong-token"}
    assert "wrong-token" not in commands("check", "--live", **environ).out


NOT_IMS: dict[str, tuple[bytes, str, str]] = {
    "a page": (answer(404, b"<html>"), "endpoint", "the answer is not from the tag API"),
    "JSON": (answer(404, b'{"error": "no"}'), "endpoint", "so it is another server; check IMS_ENDPOINT"),
    "nothing": (answer(404), "endpoint", "HTTP 404 without looking at the credentials"),
    "a redirect": (answer(302, Location="/login"), "endpoint", "the answer is not from the tag API"),
    "a login": (answer(401), "credentials", "has no code of IMS, so it may be another server"),
    "a guard": (answer(403, b"<html>"), "right", "has no code of IMS, so it may be another server"),
    "SSH": (b"SSH-2.0-x\r\n", "endpoint", "does not speak HTTP, so it is another server"),
}


@pytest.mark.parametrize(("reply", "at_fault", "words"), NOT_IMS.values(), ids=NOT_IMS)
def test_another_server(commands: Commands, reply: bytes, at_fault: str, words: str) -> None:
    """An answer that any web server could give does not pass for one of IMS."""
    with peer(*[reply] * 4) as other:
        ran = commands("check", "--live", "--json", IMS_ENDPOINT=other.url, OS_TOKEN="token")
    assert (ran.code, ran.json["live"]["at_fault"]) == (1, at_fault)
    assert words in ran.json["live"]["message"]


@contextmanager
def deaf() -> Iterator[str]:
    """An address that takes no connection, as behind a firewall: the queue of its socket is full."""
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        first.connect(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    with peer() as other:
        yield other.url


NOBODY = {
    "an unknown name": (
        nullcontext("http://no-such-host.invalid"),
        "the name of the host of the tag API is unk",
    ),
    "a refused connection": (nullcontext("http://127.0.0.1:1"), "the connection to the tag API was refused"),
    "no connection": (deaf(), "no connection to the tag API came about in time"),
    "no answer": (silent(), "the tag API did not answer in time"),
}


@pytest.mark.parametrize(("where", "words"), NOBODY.values(), ids=NOBODY)
def test_nobody_there(commands: Commands, where: AbstractContextManager[str], words: str) -> None:
    """Each way in which nobody answers has a sentence of its own, and is a fault of the endpoint."""
    with where as url:
        ran = commands("check", "--live", "--json", IMS_ENDPOINT=url, OS_TOKEN="token", EVENT_TIMEOUT="1")
    assert (ran.code, ran.json["live"]["at_fault"]) == (1, "endpoint")
    assert ran.json["live"]["message"].startswith(words)


def test_live_needs_the_settings(commands: Commands) -> None:
    """A missing setting is wrong usage, with the sentence that explains how to set it."""
    ran = commands("check", "--live")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: IMS_ENDPOINT is not set; ")


def test_faults_of_both(commands: Commands, tmp_path: Path, ims: Ims) -> None:
    """A faulty table does not keep the tag API from being asked."""
    path = tmp_path / "mine.toml"
    path.write_text('limits = "hwawei"\n[[rule]]\ntags = {}\n')
    ran = commands("check", path, "--live", "--json", IMS_ENDPOINT=ims.url, OS_TOKEN=Ims.token)
    assert (ran.code, len(ran.json["faults"]), ran.json["live"]["at_fault"]) == (1, 2, None)


# -- for each way of authentication ----------------------------------------------------------------

OTHER = "fedcba9876543210fedcba9876543210"
KEYS = {"OS_TOKEN": "", "OS_ACCESS_KEY": "AK", "OS_SECRET_KEY": "canary-secret", "PROJECTS": Ims.project_id}
USER = {
    "OS_TOKEN": "",
    "OS_USERNAME": "ada",
    "OS_PASSWORD": "canary-secret",
    "OS_DOMAIN_NAME": "example",
    "PROJECTS": Ims.project_id,
}
FAULTY_WAYS: dict[str, tuple[dict[str, str], str | None, str]] = {
    "keys": (KEYS, None, "the credentials are valid"),
    "a wrong secret key": (KEYS | {"OS_SECRET_KEY": "wrong"}, "credentials", "verify aksk signature fail"),
    "a wrong access key": (KEYS | {"OS_ACCESS_KEY": "none"}, "credentials", "not exist"),
    "a key of one letter": (
        KEYS | {"OS_ACCESS_KEY": "e"},
        "credentials",
        "Get secretKey failed,ak:***,err:ak not",
    ),
    "keys of another project": (KEYS | {"PROJECTS": OTHER}, "project", "IMG.0067"),
    "one project of two": (KEYS | {"PROJECTS": f"{Ims.project_id} {OTHER}"}, "project", f"project {OTHER}: "),
    "a password": (USER, None, "the credentials are valid"),
    "a wrong password": (USER | {"OS_PASSWORD": "wrong"}, "credentials", "the identity service does not acc"),
    "a wrong domain": (USER | {"OS_DOMAIN_NAME": "none"}, "credentials", "the identity service does not acc"),
    "no identity service": (USER | {"OS_AUTH_URL": "http://127.0.0.1:1"}, "credentials", "check OS_AUTH_URL"),
}


@pytest.mark.parametrize(("way", "at_fault", "words"), FAULTY_WAYS.values(), ids=FAULTY_WAYS)
def test_live_for_each_way(
    commands: Commands, ims: Ims, way: dict[str, str], at_fault: str | None, words: str
) -> None:
    """The fault is named with what to look at, without any secret."""
    ims.put_key("AK", secret="canary-secret")
    ims.put_user("ada", password="canary-secret")
    environ = {"IMS_ENDPOINT": ims.url} | ({"OS_AUTH_URL": ims.url} if "OS_USERNAME" in way else {}) | way

    ran = commands("check", "--live", "--json", **environ)

    answer = ran.json["live"]
    assert (ran.code, answer["at_fault"]) == (1 if at_fault else 0, at_fault)
    assert words in answer["message"]
    assert "canary" not in ran.out


def test_live_names_the_clock(commands: Commands, ims: Ims) -> None:
    """Before anybody looks for the fault in the keys."""
    ims.put_key("AK", secret="canary-secret")
    ims.settings(clock_ahead=3600)

    ran = commands("check", "--live", "--json", **KEYS, IMS_ENDPOINT=ims.url)

    assert ran.json["live"]["at_fault"] == "credentials"
    assert "the clock here is 60 minutes behind the tag API's" in ran.json["live"]["message"]


def test_live_needs_keys_of_its_own(commands: Commands) -> None:
    """Those of FunctionGraph come with requests alone, and that nothing was asked is no success."""
    ran = commands(
        "check", "--live", IMS_ENDPOINT="https://ims.example", PROJECTS="p-1", CREDENTIALS="functiongraph"
    )

    assert (ran.code, ran.out) == (2, "")
    assert ran.shows("FunctionGraph sends the keys with each request")
