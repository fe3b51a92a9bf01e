"""A rules table that changes under the running function, and what it says of existing tags and outcomes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers.core.rules.diagnostics import InvalidTable
from handlers.edges.rules_file import LOOK_EVERY, RulesFile
from tests.processes.emulator import Ims
from tests.processes.function import Function
from tests.processes.launch import eventually

EVENT = {"specversion": "1.0", "id": "1", "source": "/s", "type": "x.image.created"}


def table(value: str) -> str:
    return f'[[rule]]\ntags.env = "{value}"\n'


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(table("old"))
    return path


@pytest.fixture
def function(tmp_path: Path, rules: Path, ims: Ims) -> Iterator[Function]:
    """A function of its own for a table of its own."""
    function = Function(tmp_path / "log", IMS_ENDPOINT=ims.url, OS_TOKEN=ims.token, RULES=str(rules)).ready()
    yield function
    function.stop()


def tagged(function: Function, ims: Ims, **existing: str) -> dict[str, str]:
    """The tags of an image after its event."""
    image_id = ims.image(tags=existing)
    function.structured(EVENT | {"subject": image_id}).raise_for_status()
    return ims.tags(image_id)


def test_reload(function: Function, rules: Path, ims: Ims) -> None:
    """A sound change is taken up without a restart; a faulty one is refused and told, and the old stays."""
    logged: list[dict[str, Any]] = []

    def line(name: str) -> dict[str, Any] | None:
        tagged(function, ims)
        logged.extend(function.lines())
        return next((line for line in logged if line["message"] == name), None)

    assert tagged(function, ims) == {"env": "old"}
    rules.write_text(table("new"))
    eventually(lambda: line("rules.reloaded"), "a new table")
    assert tagged(function, ims) == {"env": "new"}

    rules.write_text(table("faulty value"))
    refused = eventually(lambda: line("rules.refused"), "a refused table")
    assert refused
    assert refused["severity"] == "ERROR"
    assert 'rules.toml:2: rule 1: tag "env": IMS would refuse the value' in refused["detail"]
    assert tagged(function, ims) == {"env": "new"}
    assert [line["message"] for line in logged].count("rules.refused") == 1


LOOKUP = "[lookup.l]\nfile = 'l.csv'\n[[rule]]\ntags.env = \"{{ type | lookup('l') }}\"\n"


def test_lookup_file(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CSV file that changes is read again; while it is faulty or gone, the last good one stays in use."""
    monkeypatch.setattr("handlers.edges.rules_file.LOOK_EVERY", 0)
    logged: list[str] = []
    csv = rules.parent / "l.csv"
    csv.write_text("key,value\nt,one\n")
    rules.write_text(LOOKUP)
    current = RulesFile(rules, lambda message, **_: logged.append(message))

    def env() -> str:
        return dict(current().tags_for({"type": "t"}).to_write)["env"]

    assert env() == "one"
    csv.write_text("key,value\nt,second\n")
    assert env() == "second"
    csv.write_text("value\n")
    assert env() == "second"
    csv.unlink()
    assert env() == "second"
    csv.write_text("key,value\nt,third\n")
    assert env() == "third"
    assert logged == ["rules.reloaded", "rules.refused", "rules.refused", "rules.reloaded"]


def test_faulty_at_the_start(rules: Path) -> None:
    """A faulty table never starts to serve."""
    rules.write_text("")
    with pytest.raises(InvalidTable):
        RulesFile(rules, lambda *_, **__: None)


def test_looks_are_rare(rules: Path) -> None:
    """Within the time between two looks, events cost no look at the files."""
    current = RulesFile(rules, lambda *_, **__: None)
    before = current()
    rules.write_text(table("new"))
    assert LOOK_EVERY > 0
    assert current() is before
