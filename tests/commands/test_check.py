"""`check`: faults, what is in vain, and the reading call of `--live`."""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.processes.commands import Commands, fits
from tests.processes.emulator import Ims
from tests.processes.scripted_server import answer, peer
from tests.support.paths import ROOT

SHIPPED = ROOT / "handlers" / "rules.toml"

IN_VAIN: dict[str, tuple[str, list[str]]] = {
    "every event": (
        """
        [[rule]]
        name = "one"
        tags.env = "a"
        [[rule]]
        name = "two"
        when.source = ["x"]
        tags.env = "b"
        tags.other = "c"
        """,
        ['rule "two": tag "env"'],
    ),
    "the same pattern, written in another order": (
        """
        [[rule]]
        name = "one"
        when.source = ["x"]
        when.data.n = [1, { exists = false }]
        tags.env = "a"
        [[rule]]
        name = "two"
        when.data.n = [1, { exists = false }]
        when.source = ["x"]
        tags.env = "{{ image.name }}"
        """,
        ['rule "two": tag "env"'],
    ),
    "a rule on trial, after one in force": (
        """
        [[rule]]
        tags.env = "a"
        [[rule]]
        mode = "audit"
        tags.env = "b"
        """,
        ['rule "rule 2": tag "env"'],
    ),
    "no room left": (
        "[[rule]]\nname = 'ten'\n"
        + "\n".join(f"tags.k{number} = ''" for number in range(10))
        + "\n[[rule]]\nname = 'more'\ntags.eleventh = ''\n",
        ['rule "more": tag "eleventh"'],
    ),
    "an unused lookup": (
        """
        [lookup.used]
        entries = {}
        [lookup.unused]
        entries = {}
        [[rule]]
        tags.team = "{{ image.name | lookup('used') }}"
        """,
        ["lookup unused"],
    ),
}


@pytest.mark.parametrize(("table", "places"), IN_VAIN.values(), ids=IN_VAIN)
def test_in_vain(commands: Commands, tmp_path: Path, table: str, places: list[str]) -> None:
    """What can have no effect is a warning, which names it and is no fault."""
    path = tmp_path / "mine.toml"
    path.write_text(table)
    ran = commands("check", path, "--json")
    assert ran.code == 0
    assert [each["place"] for each in ran.json["warnings"]] == [f"mine.toml: {place}" for place in places]
    shown = commands("check", path)
    assert (shown.code, shown.out.count("warning  mine.toml:")) == (0, len(places))
    assert shown.shows(" no faults, 1 warning")


WITH_EFFECT = {
    "another pattern": ('when.source = ["x"]', 'when.source = ["y"]'),
    "a later rule for every event": ('when.source = ["x"]', ""),
    "more conditions": ('when.source = ["x"]', 'when.source = ["x"]\nwhen.data.n = [1]'),
    "absent or present": ("when.data.n = [{ exists = true }]", "when.data.n = [{ exists = false }]"),
    "a rule in force, after one on trial": ('mode = "audit"', 'mode = "enforce"'),
}


@pytest.mark.parametrize(("first", "second"), WITH_EFFECT.values(), ids=WITH_EFFECT)
def test_not_in_vain(commands: Commands, tmp_path: Path, first: str, second: str) -> None:
    """Nothing is warned about that could have an effect."""
    path = tmp_path / "mine.toml"
    path.write_text(f"[[rule]]\n{first}\ntags.env = 'a'\n[[rule]]\n{second}\ntags.env = 'b'\n")
    assert commands("check", path, "--json").json["warnings"] == []


def test_a_value_that_may_be_missing(commands: Commands, tmp_path: Path) -> None:
    """An earlier value with an expression may be missing, so the later one is its fallback."""
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\ntags.env = '{{ image.name }}'\n[[rule]]\ntags.env = 'b'\n")
    assert commands("check", path, "--json").json["warnings"] == []


SLIPS = """
[[rule]]
name = "one"
when.team = ["web"]
when.image.name = [
  "db",
  "prod-*",
]
tags.env = "{{ stage }}"
[lookup.unused]
entries = {}
"""
CASE = """
[[case]]
name = "one"
tags = {}
[case.event]
specversion = "1.0"
id = "1"
source = "a"
type = "image.created"
"""


def test_slips(commands: Commands, tmp_path: Path) -> None:
    """What is probably not meant is a warning with its line, among the others, and is no fault."""
    path = tmp_path / "mine.toml"
    path.write_text(SLIPS)
    ran = commands("check", path, "--json")
    assert ran.code == 0
    assert [(each["line"], each["place"]) for each in ran.json["warnings"]] == [
        (4, 'mine.toml: rule "one": when'),
        (7, 'mine.toml: rule "one": when'),
        (9, 'mine.toml: rule "one": tag "env"'),
        (10, "mine.toml: lookup unused"),
    ]
    shown = commands("check", path)
    assert shown.shows(
        'warning mine.toml:7: rule "one": when "prod-*" matches only this exact text; '
        'write { wildcard = "prod-*" }'
    )
    assert shown.shows(" no faults, 4 warnings")


@pytest.mark.parametrize(
    ("cases", "unknown"),
    [
        (CASE + 'team = "web"\n', ["stage"]),
        (CASE + 'stage = "a"\n' + CASE + 'TEAM = "web"\n', []),
        (CASE + 'team = "web"\nsurplus', ["team", "stage"]),
    ],
    ids=["one", "all", "faulty cases"],
)
def test_attributes_of_cases(commands: Commands, tmp_path: Path, cases: str, unknown: list[str]) -> None:
    """An attribute that an event of the table's cases has is no slip."""
    path = tmp_path / "mine.toml"
    path.write_text(SLIPS)
    (tmp_path / "mine.cases.toml").write_text(cases)
    messages = [each["message"] for each in commands("check", path, "--json").json["warnings"]]
    named = [message.split('"')[1] for message in messages if message.startswith("no event is known to have")]
    assert named == unknown


FAULTY = """
limits = "hwawei"
[[rule]]
name = "one"
when.image.nmae = ["x"]
tags.env = "a b"
[[rule]]
tags = {}
"""


def test_every_fault_at_once(commands: Commands, tmp_path: Path) -> None:
    """One run reports all faults of a table, each with file, line, rule and key, in text as in JSON."""
    path = tmp_path / "mine.toml"
    path.write_text(FAULTY)
    ran = commands("check", path, "--json")
    places = [(fault["line"], fault["place"]) for fault in ran.json["faults"]]
    assert (ran.code, places) == (
        1,
        [
            (2, "mine.toml"),
            (5, 'mine.toml: rule "one": when'),
            (6, 'mine.toml: rule "one": tag "env"'),
            (8, "mine.toml: rule 2"),
        ],
    )
    shown = commands("check", path)
    assert shown.code == 1
    for fault in ran.json["faults"]:
        place = fault["place"].replace("mine.toml", f"mine.toml:{fault['line']}")
        assert shown.shows(f"fault {place} {fault['message']}")
    assert shown.shows(f"{path}: 4 faults, no warnings")


NO_TABLES: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)),
    "not TOML": b"[[rule]\n",
    "a number with too many digits": b"n = " + b"1" * 5000,
    "nested without end": b"n = " + b"[" * 100_000,
    "a lookup file that cannot be": b"[lookup.a]\nfile = '''\\u0000'''\n[[rule]]\ntags.a = ''\n",
    "a name with a NUL": b'[lookup.a]\nfile = "\\u0000"\n[[rule]]\ntags.a = ""\n',
    "a name without end": b"x" * 500_000 + b" = 1\n",
    "names that would forge lines": b'["a\\nb\\u001b[31m\\u202e"]\n',
}


@pytest.mark.parametrize("content", NO_TABLES.values(), ids=NO_TABLES)
def test_no_table(commands: Commands, tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, its faults are reported in lines that fit, and never with a traceback."""
    path = tmp_path / "t.toml"
    path.write_bytes(content)
    ran = commands("check", path)
    assert (ran.code, ran.err) == (1, "")
    assert fits(ran.out)
    assert len(ran.out) < 4000


def test_which_table(commands: Commands, tmp_path: Path) -> None:
    """Without a name, the table of the setting RULES is checked, or the shipped one."""
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\ntags.a = ''\n")
    assert Path(commands("check", "--json").json["table"]).resolve() == SHIPPED
    assert commands("check", "--json", RULES=str(path)).json["table"] == str(path)
    assert Path(commands("check", SHIPPED, "--json", RULES=str(path)).json["table"]).resolve() == SHIPPED


UNUSABLE = {
    "missing": ("nowhere.toml", {}, "nowhere.toml cannot be read: No such file or directory"),
    "a folder": (".", {}, ". cannot be read: Is a directory"),
    "a setting": (None, {"RULES": "nowhere"}, "RULES names nowhere, which is not a file"),
}


@pytest.mark.parametrize(("table", "environ", "sentence"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable(commands: Commands, table: str | None, environ: dict[str, str], sentence: str) -> None:
    """A table that cannot be read is wrong usage: one sentence, in JSON too."""
    named = [table] if table else []
    assert commands("check", *named, **environ) == (2, "", f"error: {sentence}\n")
    assert commands("check", *named, "--json", **environ).json == {"errors": [sentence]}


@pytest.mark.parametrize(
    "verb", [["check"], ["explain"], ["send", "--to", "http://127.0.0.1:9"]], ids=" ".join
)
def test_a_pipe_by_name(commands: Commands, tmp_path: Path, verb: list[str]) -> None:
    """A pipe that nobody writes to does not hang a command."""
    os.mkfifo(tmp_path / "pipe")
    ran = commands(*verb, tmp_path / "pipe")
    assert ran.code == 2
    assert ran.shows("cannot be read: it is no regular file")


# -- live -------------------------------------------------------------------------------------------


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
    path.write_text(FAULTY)
    ran = commands("check", path, "--live", "--json", IMS_ENDPOINT=ims.url, OS_TOKEN=Ims.token)
    assert (ran.code, len(ran.json["faults"]), ran.json["live"]["at_fault"]) == (1, 4, None)


# -- live, for each way of authentication -----------------------------------------------------------

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
