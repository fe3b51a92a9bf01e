"""Names of people: pseudonyms in their place, and log lines without the values of tags."""

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.core.errors import MissingAttribute
from handlers.core.ims.tags import Tag
from handlers.core.rules import InvalidTable, PlannedTag, RuleTable, TagPlan
from handlers.core.values.template import compile_template
from handlers.log_fields import redact_values
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created, just_now

TABLE = """\
[[rule]]
name = "who, but not by name"
tags.created-by = "{{ image.creator.name | lower | pseudonym }}"
"""
KEY = "a-key-of-the-tests"

# -- pseudonyms -------------------------------------------------------------------------------------


def pseudonym(text: Any, key: str = KEY) -> str:
    return compile_template("{{ data.x | pseudonym }}").render({"data": {"x": text}}, {}, key.encode())


def test_a_pseudonym_is_the_hash_of_the_text_under_the_key() -> None:
    """HMAC-SHA-256, test case 2 of RFC 4231, its first 16 digits: a person who has the key can repeat it."""
    assert pseudonym("what do ya want for nothing?", "Jefe") == "5bdcc146bf60754e"


@pytest.mark.parametrize(
    "text", ["", "jane", "Jürgen", "x" * 10_000, 7, True, "\ud800"], ids=lambda t: f"{t!a:.9}"
)
def test_a_pseudonym_is_stable(text: Any) -> None:
    """The same text has one pseudonym, another under another key, and one that every variant of IMS takes."""
    made = pseudonym(text)
    assert made == pseudonym(text) != pseudonym(text, "another key")
    assert len(made) == 16
    assert set(made) <= set("0123456789abcdef")


def test_two_texts_have_two_pseudonyms() -> None:
    """Images of one person can be told from those of another."""
    assert len({pseudonym(text) for text in ("jane", "Jane", "jane ", "jan", "")}) == 5


def test_nobody_has_no_pseudonym() -> None:
    """A missing name stays missing, so that the tag is left out."""
    with pytest.raises(MissingAttribute):
        pseudonym(None)


def test_a_table_with_pseudonyms_needs_a_key() -> None:
    """Without one each rule that makes pseudonyms has a fault, which names the setting."""
    table = f'{TABLE}[[rule]]\nname = "plain"\ntags.a = "b"\n{TABLE.replace("who", "who else")}'
    with pytest.raises(InvalidTable) as raised:
        RuleTable.load(table.encode())
    said = str(raised.value)
    assert said.count("set PSEUDONYM_KEY, or PSEUDONYM_KEY_FILE to a file") == 2
    assert "who, but" in said
    assert "who else, but" in said
    assert "plain" not in said
    assert RuleTable.load(table.encode(), pseudonym_key=KEY.encode()).rules


def test_the_key_is_not_shown() -> None:
    """A table that is printed by accident does not tell it."""
    assert KEY not in repr(RuleTable.load(TABLE.encode(), pseudonym_key=KEY.encode()))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    path.write_text(TABLE)
    return path


def test_a_function_writes_pseudonyms(serve: Serve, ims: Ims, rules: Path) -> None:
    """The name leaves the function neither in a tag nor in a log line, and neither does the key."""
    function = serve(RULES=str(rules), PSEUDONYM_KEY=KEY)
    image_id = ims.image()

    assert function.structured(created(image_id)).status_code == 204

    assert ims.tags(image_id) == {"created-by": pseudonym("ada")}
    assert KEY not in function.output()
    assert '"ada"' not in function.output()


def test_the_key_may_be_in_a_file(serve: Serve, ims: Ims, rules: Path) -> None:
    """As orchestrators mount secrets; the line's end is no part of it."""
    file = rules.with_name("key")
    file.write_text(f"{KEY}\n", encoding="ascii")
    image_id = ims.image()

    serve(RULES=str(rules), PSEUDONYM_KEY_FILE=str(file)).structured(created(image_id))

    assert ims.tags(image_id) == {"created-by": pseudonym("ada")}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param({}, "set PSEUDONYM_KEY, or PSEUDONYM_KEY_FILE to a file", id="no key"),
        pytest.param({"PSEUDONYM_KEY": " "}, "set PSEUDONYM_KEY", id="a blank one"),
        pytest.param({"PSEUDONYM_KEY_FILE": "/no/such"}, "PSEUDONYM_KEY_FILE names", id="no file"),
        pytest.param({"PSEUDONYM_KEY": KEY, "PSEUDONYM_KEY_FILE": "x"}, "are both set", id="two"),
    ],
)
def test_a_function_without_its_key_does_not_start(
    tmp_path: Path, ims: Ims, rules: Path, given: dict[str, str], told: str
) -> None:
    """It says at the start which setting to make, and never the key."""
    settings = {"IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, "RULES": str(rules)}
    function = Function(tmp_path / "log", **settings, **given)

    assert function.process.wait(20) == 2

    assert told in function.output()
    assert function.output().startswith("the function does not start: ")
    assert KEY not in function.output()


def test_the_shipped_table_needs_no_key(function: Function, ims: Ims) -> None:
    """A key is for who wants pseudonyms."""
    assert function.structured(created(ims.image())).status_code == 204


# -- log lines without values -----------------------------------------------------------------------

SECRET_NAME = "canary_lovelace"
DAY = "2026-01-05"

QUOTES: dict[str, dict[str, Any]] = {
    "nothing goes wrong": {},
    "refused": {"code": "IMG.0115", "message": f"the value {SECRET_NAME} of created-by is bad"},
    "refused, both values": {"code": "IMG.0115", "message": f"{DAY}{SECRET_NAME}.{DAY}"},
    "no room": {"code": "IMG.0116", "message": f"created-by={SECRET_NAME}"},
    "unavailable": {"status": 503, "code": "X", "message": f'{{"value": "{SECRET_NAME}"}}'},
    "throttled": {"code": "APIG.0308", "message": SECRET_NAME},
    "not ready": {"code": "IMG.0046", "message": SECRET_NAME},
    "a long message, cut in the value": {"status": 400, "code": "X", "message": "x" * 190 + SECRET_NAME},
    "in capitals of JSON": {"status": 400, "body": f'{{"code": "X", "message": "\\u0063{SECRET_NAME[1:]}"}}'},
    "a page": {"status": 502, "body": f"<p>{SECRET_NAME}</p>"},
}


@pytest.mark.parametrize("fault", QUOTES.values(), ids=QUOTES)
def test_lines_redact_values(serve: Serve, ims: Ims, fault: dict[str, Any]) -> None:
    """With LOG_TAG_VALUES=false no line and no reply has a value, whoever quotes it; keys and rules stay."""
    function = serve(LOG_TAG_VALUES="false")
    image_id = ims.image()
    if fault:
        ims.fault(**fault, match={"method": "PUT"})
    event = created(image_id, data={"image_id": image_id, "user": {"name": SECRET_NAME}})

    reply = function.structured(event)

    [line] = function.lines()
    line.pop("time")  # of the line itself
    for said in (json.dumps(line), reply.text):
        assert SECRET_NAME[:6] not in said
        assert DAY not in said
    tags = [*line.get("written", []), *line["not_written"]] if fault else line["written"]
    assert [(tag["key"], tag["rule"]) for tag in tags] == [
        ("created-by", "who created the image"),
        ("created-on", "on which day, UTC"),
    ]
    assert bool(ims.tags(image_id)) == (not fault)


def test_lines_without_values_on_trial_and_beside_other_tags(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """So it is for tags that are only audited, that the image has already, and that could not be made."""
    table = tmp_path / "rules.toml"
    table.write_text(
        '[[rule]]\nname = "r"\ntags.kept = { value = "{{ data.user.name }}", on_existing = "keep" }\n'
        'tags.same = "{{ data.user.name }}"\ntags.none = "{{ data.user.nick }}"\n'
        '[[rule]]\nname = "trial"\nmode = "audit"\ntags.trial = "{{ data.user.name }}"\n'
    )
    function = serve(RULES=str(table), LOG_TAG_VALUES="false")
    image_id = ims.image(tags={"kept": f"other_{SECRET_NAME}", "same": SECRET_NAME})

    function.structured(created(image_id, data={"image_id": image_id, "user": {"name": SECRET_NAME}}))

    [line] = function.lines()
    assert SECRET_NAME not in json.dumps(line)
    assert [tag["key"] for tag in line["unchanged"]] == ["same"]
    assert [tag["key"] for tag in line["audited"]] == ["trial"]
    assert [tag["key"] for tag in line["not_written"]] == ["none", "kept"]


def test_a_value_that_a_rule_refuses_is_not_told(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """A dead letter's reason names the rule and the key, and of the value at most one character."""
    table = tmp_path / "rules.toml"
    table.write_text('[[rule]]\nname = "r"\ntags.a = { value = "{{ data.x }}", on_invalid = "fail" }\n')
    function = serve(RULES=str(table), LOG_TAG_VALUES="false")
    image_id = ims.image()

    reply = function.structured(created(image_id, data={"image_id": image_id, "x": f"{SECRET_NAME} !"}))

    assert reply.status_code == 400
    assert 'the tag "a" of the rule "r"' in reply.text
    assert SECRET_NAME not in function.output() + reply.text


def test_values_are_told_unless_somebody_says_no(function: Function, ims: Ims) -> None:
    """By default a line has them, since they are what a person looks for."""
    ims.fault(code="IMG.0115", message="the value ada is bad", times=1)

    reply = function.structured(created(ims.image(), time=just_now()))

    [line] = function.lines()
    assert line["not_written"][0]["value"] == "ada"
    assert "the value ada is bad" in line["detail"]
    assert "the value ada is bad" in reply.text


MASKED = {
    "one": (["jane"], "no jane here", "no *** here"),
    "several": (["jane", "prod"], "jane, prod, jane", "***, ***, ***"),
    "one inside another": (["jane", "jane_doe"], "jane_doe and jane", "*** and ***"),
    "one inside another, the other way": (["jane_doe", "jane"], "jane_doe and jane", "*** and ***"),
    "an empty one": (["", "jane"], "jane", "***"),
    "short ones, which other words have in them": (
        ["1", "a", "ada"],
        "HTTP 401: a bad ada",
        "HTTP 401: a bad ada",
    ),
    "a short one beside a long one": (["a", "jane"], "a value of jane", "a value of ***"),
    "cut at the end of the API's words": (["ada_lovelace"], "(HTTP 400 ada_lov); 5 s", "(HTTP 400 ***); 5 s"),
    "cut to fewer than are hidden": (["ada_lovelace"], "(HTTP 400 ada); 5 s", "(HTTP 400 ada); 5 s"),
    "none in it": (["jane"], "nothing", "nothing"),
}


@pytest.mark.parametrize(("values", "text", "told"), MASKED.values(), ids=MASKED)
def test_values_in_reasons(values: list[str], text: str, told: str) -> None:
    """Of what the tag API quotes, values of four characters or more go out of a reason, whole or cut."""
    derived = TagPlan([PlannedTag(Tag(f"k{n}", value), "r") for n, value in enumerate(values)])
    assert redact_values(text, derived) == told
