"""The benchmarks' parts, and one benchmark of each kind; the others start the same processes.

What they measure is no matter of tests.
"""

import inspect
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.function.batch import batch
from tests.bench.function.growth import QUANTITIES, growth
from tests.bench.function.limit import limit
from tests.bench.function.plot import plot_of
from tests.bench.function.rules import rules
from tests.bench.rig.chaos_script import Sent, end_of, hear, script
from tests.bench.rig.served import EVENT, function, tag_api, under_load
from tests.bench.rows import Row, as_json, as_table
from tests.bench.system.flood import flood
from tests.processes.emulator import Ims
from tests.support.pages import section, table
from tests.support.paths import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_list() -> None:
    """`--list` names every benchmark with a sentence, and runs none."""
    names = [line.split()[0] for line in bench("--list").stdout.splitlines()]
    assert names == list(BENCHMARKS)


def test_unknown_name() -> None:
    """A name that there is not is answered with those that there are."""
    answer = bench("strat")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"there is no strat; choose of {', '.join(BENCHMARKS)}" in answer.stderr


@pytest.mark.parametrize("name", BENCHMARKS)
def test_no_argument_is_needed(name: str) -> None:
    """Each benchmark can be called as it is, and its first line says what it measures."""
    inspect.signature(BENCHMARKS[name]).bind()
    assert (inspect.getdoc(BENCHMARKS[name]) or "").splitlines()[0].endswith(".")


def test_flood() -> None:
    """`flood`, on the whole system, finds how fast a backlog drains, and every image of it is tagged."""
    rows = {row.what: row for row in flood(count=60, calls_a_second=30)}
    assert rows["drained"].here[0] > 0
    assert rows["images without their tag"].met


def test_batch() -> None:
    """`batch`, on functions under load, finds how long ten tags take by one call and by ten, and the API."""
    together, one_by_one = batch(rounds=1, seconds=0.1, delay=0.01)
    assert min(together.here[0], *together.beside, *one_by_one.beside) >= 10
    assert one_by_one.here[0] >= 100


@pytest.mark.timeout(120)
def test_limit() -> None:
    """`limit`, on functions under load, finds what the page has rows for, and sums framework and calls."""
    rows = {row.what: row for row in limit(rounds=1, seconds=0.2)}
    names = [row[0] for row in table("The limit")]
    assert list(rows) == [f"{name}: {what}" for what in ("time", "events") for name in names]
    parts = rows["framework alone: time"].here[0], rows["http.client, PUT: time"].here[0]
    assert rows["function, PUT: time"].beside[0] == pytest.approx(sum(parts))


@pytest.mark.parametrize("name", [name for name, (make, _) in QUANTITIES.items() if make])
def test_delivery_of_growth(name: str, tmp_path: Path) -> None:
    """A delivery of `growth` that has four of something is tagged, all of it."""
    make, _ = QUANTITIES[name]
    assert make
    body, rules = make(4)
    path = tmp_path / "rules.toml"
    path.write_bytes(rules)
    with tag_api() as api, function("main.py", api, RULES=str(path)) as served:
        assert served.structured(json.loads(body)).status_code == 204
        lines = [line for line in served.lines() if "outcome" in line]
    assert len(lines) == (4 if name in {"images of an event", "events of a batch"} else 1)
    tags = 4 if name == "tags of an image" else 3
    assert [(line["outcome"], len(line["written"])) for line in lines] == [("tagged", tags)] * len(lines)


def test_body_of_growth() -> None:
    """A delivery of so many kilobytes is that long."""
    make, sizes = QUANTITIES["kilobytes of a body"]
    assert make
    assert [len(make(size).body) for size in sizes] == [1000 * size for size in sizes]


def test_growth(tmp_path: Path) -> None:
    """`growth` finds what each size costs a function, and draws it."""
    make, _ = QUANTITIES["tags of an image"]
    picture = tmp_path / "growth.svg"
    rows = growth(1, 0.2, {"tags of an image": (make, (1, 10))}, str(picture))
    assert [(row.what, len(row.beside)) for row in rows] == [
        ("1 tags of an image", 0),
        ("10 tags of an image", 1),
    ]
    assert all(row.here[0] > 0 for row in rows)
    assert sizes_in(picture) == {"tags of an image": [1, 10]}


@pytest.mark.timeout(120)
def test_growth_of_a_backlog() -> None:
    """`growth` finds what an event costs that waits on the bus with many others."""
    [row] = growth(1, quantities={"events on the bus": (None, (1_000,))})
    assert row.what == "1,000 events on the bus"
    assert row.here[0] > 0


def test_plot() -> None:
    """The same costs give the same picture, with a title and a description that names the medians."""
    costs = {"tags": {1: [200.0, 210.0, 290.0], 3: [600.0], 10: [2e3]}, "bus": {1: [1.0], 10: [2e6]}}
    picture = plot_of(costs)
    assert picture == plot_of(costs)
    root = ET.fromstring(picture)  # noqa: S314 - our own
    assert root.get("aria-labelledby") == "title description"
    title, description = (root.find(f"{{*}}{name}") for name in ("title", "desc"))
    assert title is not None
    assert title.text
    assert description is not None
    assert description.text == "tags: 210 us at 1, 600 us at 3, 2 ms at 10; bus: 1 us at 1, 2 s at 10."


def test_picture_on_the_page() -> None:
    """The page shows the picture that `growth` draws, with its text, and it has all quantities and sizes."""
    [(alternative, name)] = re.findall(r"!\[([^]]+)\]\(([^)]+\.svg)\)", section("The limit"))
    assert alternative
    assert sizes_in(ROOT / "tests/bench" / name) == {
        name: list(sizes) for name, (_, sizes) in QUANTITIES.items()
    }


def sizes_in(picture: Path) -> dict[str, list[int]]:
    """What a picture's description says there is, by name."""
    [description] = re.findall("<desc[^>]*>(.+)[.]</desc>", picture.read_text(encoding="utf-8"))
    named = (each.split(": ") for each in description.split("; "))
    return {
        name: [int(size.replace(",", "")) for size in re.findall(r" at ([0-9,]+)(?:, |$)", figures)]
        for name, figures in named
    }


def test_rules() -> None:
    """`rules`, in this process, finds what an event costs, beside 10 rules and beside a call, and a load."""
    rows = rules(rounds=1, sizes=(10, 1_000))
    assert [(len(row.here), len(row.beside)) for row in rows] == [(1, 1), (1, 1), (1, 0), (1, 0), (1, 0)]


def test_delay() -> None:
    """The tag API of the benchmarks waits before each answer."""
    with tag_api(0.05) as api:
        assert under_load(api, api, connections=2, seconds=0.1).milliseconds >= 50


def test_load(ims: Ims) -> None:
    """An event that is not answered 204 ends the load, and is no figure."""
    port = ims.url.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.bench.rig.load", port, str(EVENT), "1", "5"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "an event was answered" in ended.stderr


def test_script() -> None:
    """The faults that are not rare make, one after the other, the wanted share of calls go wrong."""
    right = 1.0
    rng = random.Random(1)  # noqa: S311 - repeatable, no secret
    for fault in script(rng, share=1 / 3, rare=5):
        right *= 1 if "times" in fault else 1 - fault["share"]
    assert right == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("outcomes", "last"),
    [
        (["retry", "tagged"], "tagged"),
        (["retry", "dead-letter"], "dead-letter"),
        (["dead-letter", "retry"], "retry"),
        (["tagged", "retry"], "tagged"),
    ],
    ids=["tagged in the end", "dead in the end", "not ended", "a slower delivery beside"],
)
def test_hear(outcomes: list[str], last: str) -> None:
    """An event's last outcome counts, but for the answer of a delivery that another has overtaken."""
    said: dict[str, str] = {}
    hear(said, [{"event_id": "event-1", "outcome": outcome} for outcome in outcomes])
    hear(said, [{"message": "rules.loaded"}])
    assert said == {"event-1": last}


SENT = Sent({"id": "event-1", "data": {"image_id": "42"}}, "tagged", {"created-by": "ada"})


@pytest.mark.parametrize(
    ("said", "reason", "tags", "end"),
    [
        pytest.param("tagged", None, {"created-by": "ada"}, ("tagged", ""), id="tagged"),
        pytest.param("tagged", None, {}, ("tagged", "against the rules"), id="a tag is missing"),
        pytest.param(
            "tagged",
            None,
            {"created-by": "ada", "owner": "ada"},
            ("tagged", "against the rules"),
            id="a tag too many",
        ),
        pytest.param("ignored", None, {}, ("ignored", "against the rules"), id="another outcome"),
        pytest.param("retry", None, {}, ("lost", "lost"), id="never heard of again"),
        pytest.param("", None, {}, ("lost", "lost"), id="never heard of"),
        pytest.param("dead-letter", None, {}, ("lost", "lost"), id="dead and not kept"),
        pytest.param("retry", "No reply: refused", {}, ("dead-letter", ""), id="no reply"),
        pytest.param(
            "dead-letter",
            "TagRefused: no (HTTP 400 IMG.0115 scripted: no such tag)",
            {},
            ("dead-letter", ""),
            id="scripted",
        ),
        pytest.param(
            "dead-letter",
            "TagRefused: no (HTTP 400 IMG.0115 another)",
            {},
            ("dead-letter", "not explained"),
            id="not scripted",
        ),
        pytest.param(
            "retry",
            "UnexpectedReply: a page",
            {"created-by": "eve"},
            ("dead-letter", "against the rules"),
            id="dead with a wrong tag",
        ),
    ],
)
def test_end(said: str, reason: str | None, tags: dict[str, str], end: tuple[str, str]) -> None:
    """An event's end is right if a rule or a scripted fault explains it, and its image has no other tags."""
    assert end_of(SENT, said, reason, tags)[:2] == end


@pytest.mark.parametrize(
    ("row", "met", "line"),
    [
        pytest.param(
            Row("a start", "ms", [110, 100, 130], [100, 100, 100], goal=1.1),
            True,
            "a start 110 ms 100 ms 1.10 (1.00-1.30) 1.10 met",
            id="goal of a ratio",
        ),
        pytest.param(
            Row("a load", "ms", [1400], goal=500),
            False,
            "a load 1,400 ms 500 ms MISSED",
            id="goal of a figure",
        ),
        pytest.param(
            Row("a rate", "/s", [180, 260, 200], [100, 100, 100], goal=2, least=True),
            True,
            "a rate 200 /s 100 /s 2.00 (1.80-2.60) >= 2.00 met",
            id="goal that is the least",
        ),
        pytest.param(
            Row("a rate", "/s", [190], [100], goal=2, least=True),
            False,
            "a rate 190 /s 100 /s 1.90 (1.90-1.90) >= 2.00 MISSED",
            id="less than the least",
        ),
        pytest.param(
            Row("a size", "MiB", [4.25], [5]), None, "a size 4.25 MiB 5 MiB 0.85 (0.85-0.85)", id="none"
        ),
    ],
)
def test_row(row: Row, met: bool | None, line: str) -> None:
    """A row shows medians, the spread of the ratios round by round, and the goal with its verdict."""
    assert re.sub(" +", " ", as_table([row]).splitlines()[1]) == line
    assert as_json([row])[0]["met"] is met
