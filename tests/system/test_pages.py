"""The pages: their tables are the code's, their commands and links are there."""

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from handlers.core import budget
from handlers.core.dead_letters.compose import BUS_ATTRIBUTES, FUNCTION_ATTRIBUTES
from handlers.core.errors import TaggingError
from handlers.core.events import ImageCreated
from handlers.core.outcomes import TABLE, Outcome
from handlers.core.patterns.comparisons import ADDRESS_MAX, ADDRESSES_KEPT
from handlers.core.patterns.conditions import LOOKED_AT_MAX
from handlers.core.received import Received
from handlers.core.results import ImageResult
from handlers.core.values.filters import MAX_INPUT
from handlers.edges.server import bounds, chunks, refusals
from handlers.edges.settings import SHIPPED_RULES, Settings
from handlers.edges.settings.credentials import CredentialSource
from handlers.log_fields import LOG_NAMES, event_fields, result_fields
from tests.bench.__main__ import BENCHMARKS
from tests.processes.emulator import Ims
from tests.processes.function import Function
from tests.support.deploy_page import longest_outage
from tests.support.pages import PAGES, section, table
from tests.support.paths import ROOT
from tests.support.settings_read import NAMES, WAYS, read

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_speed() -> None:
    """The table of benchmarks names those that there are, in their order."""
    assert list(dict.fromkeys(row[0].strip("`") for row in table("Results"))) == list(BENCHMARKS)


def test_outcomes() -> None:
    """The table of outcomes is the one in the code, row by row."""
    thens = {
        "retry": "retry",
        "retry-within-window": "retry while young, then dead letter",
        "dead-letter": "dead letter",
    }
    assert table("Errors") == [
        [
            f"`{error.__name__}`" if issubclass(error, TaggingError) else "any other exception",
            thens[row.action] + ("; logged as error" if row.severity == "ERROR" else ""),
            f"{row.retry_after} s" if row.retry_after else "",
            row.why,
        ]
        for error, row in TABLE.items()
    ]


def test_settings() -> None:
    """Every setting that the code reads has its row, and the default there is the one it has."""
    rows = {row[0].strip("`"): row[1].strip("`") for row in table("Settings")}
    assert rows.keys() == NAMES - named_in_ways()

    words = {"required", "none", "the shipped table", "4 for each processor"}
    required = {"IMS_ENDPOINT": "https://ims.example.com"}
    given = required | {"OS_TOKEN": "token"}
    default = Settings.from_environ(given)
    stated = Settings.from_environ(given | {name: row for name, row in rows.items() if row not in words})
    assert stated._replace(credentials=default.credentials) == default
    assert {name for name, row in rows.items() if row == "required"} == required.keys()
    assert default.rules == SHIPPED_RULES
    assert (default.proxy, default.ca_bundle) == (None, None)


def named_in_ways() -> set[str]:
    return {name for row in table("Credentials") for name in re.findall(r"`([A-Z_]+)[=`]", row[1])}


def test_credentials() -> None:
    """The table of ways of authentication names settings that are read, each way's own among them."""
    ways = [read(way) for way in WAYS]
    assert {type(settings.credentials) for settings, _ in ways} == set(get_args(CredentialSource))
    assert named_in_ways() <= NAMES
    assert set().union(*WAYS) <= named_in_ways()


def test_commands() -> None:
    """The two commands can be run, and CI runs both."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("deploy/local/up --once", "tests/run"):
        assert f"\n{command} " in README
        assert f"\n{command}\n" in ci
        assert os.access(ROOT / command.split()[0], os.X_OK)


def test_readme_is_short() -> None:
    """The README fits on two screens."""
    assert len(README.splitlines()) <= 120


def test_log_line_of_the_readme(function: Function, ims: Ims) -> None:
    """The function writes the log line that the README shows."""
    event = json.loads((ROOT / "tests" / "events" / "plain-structured.json").read_text(encoding="utf-8"))
    ims.image(id=event["data"]["image_id"])
    function.structured(event)
    [line] = function.lines()
    [shown] = re.findall(r"^```json\n(.*)\n```$", README, re.MULTILINE)
    assert line | json.loads(shown) == line


def test_outages_of_the_readme() -> None:
    """The README and the page for operators agree on the longest outage that each platform bears."""
    seconds = {"minutes": 60, "hours": 3600, "days": 86_400}
    for _, platform, outage in table("Deploy"):
        name, number, unit = platform.split("]")[0].strip("["), *outage.split()[:2]
        if unit in seconds:
            assert longest_outage(name) // seconds[unit] == int(number), name


def test_attributes_of_dead_letters() -> None:
    """The table of attributes has those of the function and those of a bus."""
    assert [(name.strip("`"), by) for name, by, _ in table("Dead letters", "outcomes.md")] == [
        *((name, "the function") for name in FUNCTION_ATTRIBUTES),
        *((name, "the bus") for name in BUS_ATTRIBUTES),
    ]


def test_budget() -> None:
    """The table of the budget has the numbers of the code."""
    limits = {what: re.sub("[^0-9]", "", limit) for what, limit, _ in table("The budget of a delivery")}
    default = Settings.from_environ({"IMS_ENDPOINT": "https://ims.example.com", "OS_TOKEN": "token"}).delivery
    assert limits == {
        what: str(number)
        for what, number in {
            "time, from the first byte of the request to the last stored dead letter": round(
                default.event_timeout
            ),
            "size of the body": default.max_body_bytes,
            "bodies of this size in work at the same time, or as many bytes of smaller ones": (
                budget.BODIES_IN_WORK
            ),
            f"chunks of a body that are shorter than {chunks.TINY} bytes": chunks.TINY_MAX,
            "arrays and objects in the JSON": budget.MAX_CONTAINERS,
            "events": budget.MAX_EVENTS,
            "images of all events together": budget.MAX_IMAGES,
            "images in work at the same time": budget.AT_ONCE,
            "envelopes around an event": budget.MAX_ENVELOPES,
            "attributes of an event": budget.MAX_ATTRIBUTES,
            "levels of nesting in an event": budget.MAX_DEPTH,
            "request line": refusals.LINE_MAX,
            "head": refusals.HEAD_MAX,
            "header fields": refusals.FIELDS_MAX,
            "one header field": refusals.FIELD_MAX,
            "text that a filter of a rule takes": MAX_INPUT,
            "values of one field that a pattern looks at, and arrays that hold them": LOOKED_AT_MAX,
            "connections of a worker": bounds.CONNECTIONS_MAX,
        }.items()
    }


def test_what_stays_in_memory() -> None:
    """The page says how much of events the memory holds after their deliveries."""
    kept = re.search(r"last ([\d,]+) texts of at most (\d+) characters", section("What leaves an event"))
    assert kept
    assert [int(number.replace(",", "")) for number in kept.groups()] == [ADDRESSES_KEPT, ADDRESS_MAX]


def logged() -> Iterator[str]:
    """The names of all log lines that the code writes."""
    yield from LOG_NAMES.values()
    for path in (ROOT / "main.py", *(ROOT / "handlers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id=function) | ast.Attribute(attr=function),
                    args=[ast.Constant(value=str(name)), *_],
                ) if function in {"log", "_log", "line"}:
                    yield name
                case _:
                    pass


def test_log_lines() -> None:
    """The table of log lines names those that the code writes."""
    named = [row[0].strip("`") for row in table("Log lines")]
    assert len(named) == len(set(named))
    assert {*named} == {*logged()}


def test_fields_of_log_lines() -> None:
    """The table of fields names those of the lines of events and images."""
    result = ImageResult(Outcome("tagged"), ImageCreated("62a15f6c", None, {}, None))
    fields = {*event_fields(Received({}), None), *result_fields(result, values=True)}
    fields = fields - {"severity", "error"} | {"traceback"}
    rows = re.findall(r"^\| (`.*?) \| .* \|$", section("Log lines").split("| field |")[1], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == fields


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    """Every file and every heading that a page links to is there."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text)
    for link in (linked or shown for linked, shown in links):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pages_are_found() -> None:
    """Each page of the project can be reached from the README by links."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)#:\s]+\.md)", page.read_text(encoding="utf-8"))
            waiting += [(page.parent / link).resolve() for link in links]
    assert reached == set(PAGES)
