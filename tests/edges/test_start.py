"""A function with a missing or malformed setting, or a faulty table, never serves: it says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edges.conftest import RefusedStart
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created
from tests.processes.launch import eventually, framework, free_port
from tests.support.paths import ROOT

SECRET = "canary-of-the-start"
GOOD = {"IMS_ENDPOINT": "https://ims.eu-de.otc.t-systems.com", "OS_TOKEN": SECRET}


RULE = b'[[rule]]\nname = "r"\n'
TABLES = {
    "not UTF-8": (b"\xff", "it is not UTF-8"),
    "not TOML": (b"limits = \n", "line 1"),
    "an unknown name": (
        RULE + b'tags.a = "b"\ntag.env = "prod"',
        '"tag" is not known here; did you mean "tags"?',
    ),
    "a bad pattern": (RULE + b'when.a = [{ prefx = "x" }]\ntags.a = "b"', 'rule "r": when'),
    "a bad template": (RULE + b'tags.a = "{{ 1 +"', 'rule "r": tag "a"'),
    "an unknown fact": (RULE + b'tags.a = "{{ image.nmae }}"', 'there is no "image.nmae"; did you mean'),
    "a value that IMS refuses": (RULE + b'tags.a = "b c"', "IMS would refuse the value"),
    "a key that IMS refuses": (RULE + b'tags."a b" = "c"', "IMS would refuse the key"),
    "no rule": (b'limits = "common"', "it has no rule"),
    "a rule without tags": (RULE, "it sets no tag"),
    "endless tables": (b"a = " + b"[" * 100_000, "it is not TOML that can be read: it nests too deep"),
    "a number of 5,000 digits": (b"a = " + b"9" * 5000, "a number has too many digits"),
    "terminal controls": (RULE + b'tags.a = "b"\n"\\u001b[2J" = 1', '"\\u001b[2J" is not known here'),
    "a lookup in a pipe": (
        b'[lookup.a]\nfile = "pipe"\n' + RULE + b'tags.a = "b"',
        "lookup a: pipe: it cannot be read: it is no regular file",
    ),
    "unknown limits": (b'limits = "none"\n' + RULE + b'tags.a = "b"', '"limits" must be one of'),
}
SETTINGS = {
    "no endpoint": ({"OS_TOKEN": SECRET}, "IMS_ENDPOINT is not set"),
    "a path": (GOOD | {"DEAD_LETTER_SINK": "/var/x"}, "DEAD_LETTER_SINK is a path; write file:///var/x"),
    "no token": ({"IMS_ENDPOINT": GOOD["IMS_ENDPOINT"]}, "OS_TOKEN is not set"),
    "a bad token": (GOOD | {"OS_TOKEN": f"{SECRET} {SECRET}"}, "OS_TOKEN is malformed"),
    "a bad time": (
        GOOD | {"EVENT_TIMEOUT": "soon"},
        "EVENT_TIMEOUT must be a number from 1 to 900",
    ),
    "two tables": (
        GOOD | {"RULES": "handlers/rules.toml", "RULES_TABLE": "[[rule]]"},
        "RULES and RULES_TABLE are both set; keep one",
    ),
    "a faulty table in a setting": (
        GOOD | {"RULES_TABLE": '[[rule]]\ntags.a = "b c"'},
        'RULES_TABLE:2: rule 1: tag "a": IMS would refuse the value',
    ),
    "a table in a setting with a lookup file": (
        GOOD | {"RULES_TABLE": '[lookup.costs]\nfile = "costs.csv"\n[[rule]]\ntags.a = "b"'},
        "RULES_TABLE:2: lookup costs: costs.csv: it cannot be read: there are no files here",
    ),
    "no table": (GOOD | {"RULES": "/no/such.toml"}, "RULES names /no/such.toml, which is not a file"),
    "a folder": (GOOD | {"RULES": "handlers"}, "RULES names handlers, which is not a file"),
    "a token in a pipe": (
        {"IMS_ENDPOINT": GOOD["IMS_ENDPOINT"], "OS_TOKEN_FILE": "pipe"},
        "OS_TOKEN_FILE names a file that cannot be read",
    ),
    "a blank token of events": (GOOD | {"EVENTS_TOKEN": " "}, "EVENTS_TOKEN is not set; set it to "),
}


TOLD: dict[str, tuple[dict[str, str] | bytes, str]] = {**SETTINGS, **TABLES}


@pytest.mark.parametrize(("given", "told"), TOLD.values(), ids=TOLD)
def test_a_start_ends_with_one_sentence(
    refused_start: RefusedStart, tmp_path: Path, given: dict[str, str] | bytes, told: str
) -> None:
    """Exit code 2 and one line on what to do; no traceback, no secret."""
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for ever
    if isinstance(given, bytes):
        table = tmp_path / "rules.toml"
        table.write_bytes(given)
        given = GOOD | {"RULES": str(table)}
    if "OS_TOKEN_FILE" in given:
        given = given | {"OS_TOKEN_FILE": str(tmp_path / given["OS_TOKEN_FILE"])}

    code, output = refused_start(given)

    assert code == 2
    assert output.startswith("the function does not start: ")
    assert told in output
    assert output.removesuffix("\n").isprintable()
    assert "Traceback" not in output
    assert SECRET not in output


def test_every_fault_of_a_table_is_told(ims: Ims, tmp_path: Path) -> None:
    """One line a fault, so that a table is mended in one go."""
    table = tmp_path / "rules.toml"
    table.write_bytes(RULE + b'tags."a b" = "{{ 1 +"\n[[rule]]\nname = "s"\ntags = 5\n')
    environ = {"PATH": os.environ["PATH"], "IMS_ENDPOINT": ims.url, "OS_TOKEN": SECRET, "RULES": str(table)}

    ended = subprocess.run(
        framework(free_port()),
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )

    assert ended.returncode == 2
    assert all(
        part in ended.stderr for part in ('rules.toml:3: rule "r": tag "a b"', 'rules.toml:6: rule "s"')
    )
    assert len(ended.stderr.splitlines()) >= 3
    assert "Traceback" not in ended.stderr


def test_a_function_with_its_token_in_a_file_serves(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """The whole way: the file's token is what the tag API is called with."""
    file = tmp_path / "token"
    file.write_text(f"{ims.token}\n", encoding="ascii")
    image_id = ims.image()

    reply = serve(OS_TOKEN="", OS_TOKEN_FILE=str(file)).structured(created(image_id))

    assert reply.status_code == 204
    assert ims.tags(image_id)


def test_a_misspelt_name_of_a_setting_that_is_missing() -> None:
    """The sentence about the one that is missing is followed by one about the other."""
    environ = {"PATH": os.environ["PATH"], "IMSENDPOINT": GOOD["IMS_ENDPOINT"], "OS_TOKEN": SECRET}
    ended = subprocess.run(
        framework(free_port()), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=40, check=False
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    first, second = ended.stderr.splitlines()
    assert first.startswith("the function does not start: IMS_ENDPOINT is not set; ")
    assert second == "IMSENDPOINT is not a setting; did you mean IMS_ENDPOINT?"


def test_a_good_start_is_one_line(ims: Ims, tmp_path: Path) -> None:
    """It tells what the function works with, and comes once, however many workers there are."""
    rules = tmp_path / "rules.toml"
    rules.write_bytes(RULE + b'tags.a = "b"\n[[rule]]\nmode = "audit"\ntags.c = "d"\n')
    settings = {"IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, "PROJECTS": ims.project_id, "WORKERS": "3"}
    sink = {"DEAD_LETTER_SINK": f"https://user:{SECRET}@sink.example:8443/{SECRET}?{SECRET}"}
    slips = {"TAGFORM": "tag", "LOG_LEVEL": ""}
    function = Function(tmp_path / "log", RULES=str(rules), **settings, **sink, **slips).ready()
    eventually(lambda: len(function.pids) == 1 + 3, "the workers")
    # Asked to stop so early, a worker can miss it, and the server waits for it.
    function.kill()

    *warnings, ready = map(json.loads, function.output().splitlines())
    assert [(line["severity"], line["message"]) for line in warnings] == [("WARNING", "settings.warning")] * 2
    assert [line["detail"].split(" ")[0] for line in warnings] == ["LOG_LEVEL", "TAGFORM"]
    del ready["time"]
    assert ready == {
        "severity": "INFO",
        "message": "function.ready",
        "ims_endpoint": ims.url,
        "credentials": "token",
        "projects": [ims.project_id],
        "rules_file": str(rules),
        "rules": 2,
        "mode": "audit in 1 of 2 rules",
        "tag_form": "image_tag",
        "dead_letter_sink": "https://sink.example:8443",
        "event_timeout": 20.0,
        "not_ready_window": 1800.0,
    }
    assert SECRET not in function.output()


def test_a_table_in_a_setting(serve: Serve, ims: Ims) -> None:
    """As where variables can be set and no files mounted."""
    image_id = ims.image()
    function = serve(RULES_TABLE='[[rule]]\ntags.from = "setting"\n')

    assert function.structured(created(image_id)).status_code == 204
    assert ims.tags(image_id) == {"from": "setting"}
    assert json.loads(function.output().splitlines()[0])["rules_file"] == "RULES_TABLE"


def test_an_endpoint_in_clear_is_warned_about(serve: Serve) -> None:
    """Once, at the start."""
    function = serve(IMS_ENDPOINT="http://ims.invalid")

    assert function.output().count("settings.warning") == 1
    assert "IMS_ENDPOINT" in function.output()


def test_a_given_token_starts_without_what_it_takes_to_get_one() -> None:
    """Signatures, logins and renewals are imported where they are chosen."""
    program = (
        "import main, sys; main.tag_created_image;"
        "print([name for name in sys.modules if name.startswith('handlers.edges.')])"
    )
    keys = {"OS_ACCESS_KEY": SECRET, "OS_SECRET_KEY": SECRET, "PROJECTS": "p-1"}
    lazy = ("accounts", "metadata_service", "function_graph", "iam", "refreshing", "signature")
    loaded = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "IMS_ENDPOINT": GOOD["IMS_ENDPOINT"], **way},
            capture_output=True,
            text=True,
            check=True,
            timeout=40,
        ).stdout
        for way in ({"OS_TOKEN": SECRET}, keys)
    ]

    assert [name for name in lazy if f"handlers.edges.credentials.{name}'" in loaded[0]] == []
    assert [name for name in lazy if f"handlers.edges.credentials.{name}'" not in loaded[1]] == []
