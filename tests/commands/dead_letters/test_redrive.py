"""`dead-letters redrive`: what is sent, what counts as done, and what would come of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from handlers.commands.dead_letters.reading import Reading
from handlers.commands.dead_letters.redrive import redrive
from handlers.commands.dead_letters.selection import Selection
from handlers.commands.dead_letters.stores import FileStore
from handlers.commands.targets import DONE, Answer
from handlers.commands.targets.http import ATTEMPTS, RETRY_AFTER_MAX, HttpTarget
from handlers.core.dead_letters.message import Message
from handlers.core.received import Received
from handlers.edges.cloudevents import HttpMessage, events_in
from tests.commands.dead_letters.conftest import (
    FAST,
    TAGGED,
    TRACE,
    notification,
    resumed,
    said,
    sent_ids,
    unparsable,
)
from tests.processes.bus import Answer as Says
from tests.processes.bus import Bus, HttpSubscriber, in_turn
from tests.processes.commands import Commands, fits
from tests.processes.emulator import Ims
from tests.processes.function import Serve, created
from tests.processes.launch import free_port
from tests.support.dead_letter_places import (
    ID,
    Json,
    Nats,
    Place,
    by_bus,
    by_function,
    encoded,
    messages,
    numbered,
    written,
)
from tests.support.paths import ROOT

ALL = Selection(None, None, None, None, None, None)


# -- what is sent -----------------------------------------------------------------------------------

CONTEXT = {f"ce-{name}": str(value) for name, value in created(ID).items() if name != "data"}
REQUEST = b"\x00 no event"
DATA = json.dumps(created(ID)["data"]).encode()

SENT: dict[str, tuple[Json, dict[str, str], bytes]] = {
    "the function's": (by_function(created(ID)), CONTEXT | {"content-type": "application/json"}, DATA),
    "a bus's": (
        by_bus(created(ID, xkept="ü 1%"), 503, "x", deliveryattempts=7, knativebrokerttl="254"),
        CONTEXT | {"ce-xkept": "%C3%BC%201%25", "content-type": "application/json"},
        DATA,
    ),
    "bytes": (
        by_function(created(ID, data=None, data_base64="/w==", datacontenttype="image/png")),
        CONTEXT | {"content-type": "image/png"},
        b"\xff",
    ),
    "FunctionGraph's": (notification(TRACE), {"content-type": "application/json"}, TRACE.encode()),
    "a request whose content type is no header": (
        unparsable(REQUEST, "text/plain\r\nX-Forged: 1"),
        {"content-type": "application/octet-stream"},
        REQUEST,
    ),
    "a request that was no event": (
        unparsable(REQUEST, "text/plain; charset=x"),
        {"content-type": "text/plain; charset=x"},
        REQUEST,
    ),
}


@pytest.mark.parametrize(("kept", "headers", "body"), SENT.values(), ids=SENT)
def test_the_original_is_sent(
    commands: Commands,
    tmp_path: Path,
    tagger: HttpSubscriber,
    kept: Json,
    headers: dict[str, str],
    body: bytes,
) -> None:
    """With --overwrite, the event goes back as it was, without what its dead letter added, byte by byte."""
    path = written(tmp_path, kept)
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST, "--overwrite")
    assert (ran.code, ran.out, ran.err) == (0, "1 done (1 tagged), 0 not done\n", "")
    (request,) = tagger.received
    known = {name: each for name, each in request.headers.items() if name.startswith(("ce-", "content-type"))}
    assert (known, request.body) == (headers, body)
    assert "authorization" not in request.headers


FILLING = {
    "in binary mode": (by_function(created(ID)), [created(ID)]),
    "in structured mode": (by_function(created(ID, x=1)), [created(ID, x=1)]),
    "a trace alone": (notification(TRACE), [{"data": json.loads(TRACE)["cts"]}]),
    "several": (
        notification(json.dumps([created(ID), created(ID, id="2")])),
        [created(ID), created(ID, id="2")],
    ),
}


@pytest.mark.parametrize(("kept", "events"), FILLING.values(), ids=FILLING)
def test_events_fill_in(
    commands: Commands, tmp_path: Path, tagger: HttpSubscriber, kept: Json, events: list[Json]
) -> None:
    """Each event goes back as a CloudEvent with `tagfillin`, and otherwise as it was."""
    commands("dead-letters", "redrive", written(tmp_path, kept), "--to", tagger.url, *FAST)
    (request,) = tagger.received
    found = events_in(HttpMessage(request.headers, request.body))
    assert len(found) == len(events)
    for each, event in zip(found, events, strict=True):
        assert isinstance(each, Received)
        assert event | {"tagfillin": "true"} == {
            name: value for name, value in each.event.items() if name in {*event, "tagfillin"}
        }


def test_requests_without_an_event_are_left(
    commands: Commands, tmp_path: Path, tagger: HttpSubscriber
) -> None:
    """A message with a piece that is no event goes back byte by byte."""
    body = json.dumps([created(ID), 5])
    commands("dead-letters", "redrive", written(tmp_path, notification(body)), "--to", tagger.url, *FAST)
    (request,) = tagger.received
    assert request.body == body.encode()


def test_order_and_selection(place: Place, tagger: HttpSubscriber) -> None:
    """Only what was selected is sent, in order, and the report is the same everywhere."""
    other = by_bus(created(ID, id="2"), 503, encoded("Throttled: slowly"))
    place.put(numbered(1), other, numbered(3))
    ran = place.run("redrive", "--to", tagger.url, *FAST, "--reason", "TagQuotaExceeded", "--json")
    assert ran.json == {
        "done": {"tagged": 2},
        "not_done": [],
        "already_redriven": 0,
        "stopped": False,
        "unreadable": [],
        "unreadable_count": 0,
        "errors": [],
    }
    assert sent_ids(tagger.received) == ["1", "3"]
    assert not resumed(place) or place.left() == ["2"]


def test_to_a_bus(place: Place, own_bus: Bus, commands: Commands) -> None:
    """From everywhere events can be published to a bus, confirmed, each once however often it is redriven."""
    target = Nats(commands, own_bus)
    place.put(numbered(1), numbered(2))
    for _ in range(2):
        ran = place.run("redrive", "--to", own_bus.url, *FAST)
        assert ran.code == 0
    assert not resumed(place) or place.left() == []
    published = messages(target.bus, "IMAGES")
    assert [(each.headers or {})["ce-id"] for each in published] == ["1", "2"]
    assert {each.subject for each in published} == {"images.created"}
    assert all((each.headers or {})["Nats-Msg-Id"].startswith("redrive.") for each in published)


def test_the_token(place: Place, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """The first token of a file goes with every event, and is never shown, not even where it is echoed."""
    tokens = tmp_path / "tokens"
    tokens.write_text("canary-of-tests another-one\n")
    tagger.answer = lambda request: said("", 400, f"no: {request.headers['authorization']}")
    place.put(numbered(1))
    ran = place.run("redrive", "--to", tagger.url, "--token-file", tokens)
    assert tagger.received[0].headers["authorization"] == "Bearer canary-of-tests"
    assert ran.shows("the function answered 400 no: Bearer ***")


ENDS: dict[str, tuple[Says, str, bool]] = {
    **{outcome: (said(outcome), "", True) for outcome in DONE if outcome != "published"},
    "tagged, on /invoke": (said("tagged", 200), "", True),
    "dead letter, stored": (said("dead-letter"), "a dead letter again", True),
    "dead letter, not stored": (said("dead-letter", 400, "InvalidTag: bad"), "400 InvalidTag: bad", False),
    "no outcome": (said(""), "has no Tagging-Outcome", False),
    "a page": (said("", 200, "<html>"), "has no Tagging-Outcome", False),
    "redirected": (said("tagged", 302, Location="/elsewhere"), "302", False),
    "no such page": (said("", 404, "nothing here"), "404 nothing here", False),
    "tagged, and yet an error": (said("tagged", 400), "400", False),
}


@pytest.mark.parametrize(("answer", "why", "settled"), ENDS.values(), ids=ENDS)
def test_ends(place: Place, tagger: HttpSubscriber, answer: Says, why: str, settled: bool) -> None:
    """Only a Tagging-Outcome of an event that needs no more makes it done. All else is named, exit code 1.

    What is done is not sent again by the next run, and neither is what has a new dead letter at the sink.
    """
    place.put(numbered(1))
    tagger.answer = lambda _: answer
    ran = place.run("redrive", "--to", tagger.url, *FAST)
    assert fits(ran.out)
    assert len(tagger.received) == 1
    assert ran.code == (1 if why else 0)
    assert ran.shows(why)
    if resumed(place):
        assert place.left() == ([] if settled else ["1"])
        place.run("redrive", "--to", tagger.url, *FAST)
        assert len(tagger.received) == (1 if settled else 2)


def test_several_events_in_one(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """The reply to several events does not say how each ended, so none counts as done."""
    tagger.answer = lambda _: said("")
    path = written(tmp_path, notification(json.dumps([created(ID), created(ID, id="2")])))
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert ran.code == 1
    assert ran.shows("several events were in one request")


def sent(address: str) -> tuple[Answer, list[float]]:
    """How a message ended, and the seconds that were waited meanwhile."""
    waits: list[float] = []
    target = HttpTarget(address, None, waits.append)
    return target.send(Message({"ce-id": "1"}, b"{}")), waits


RETRIES: dict[str, tuple[list[Says], list[float], str]] = {
    "once": ([said("retry", 503, Retry_After="7"), TAGGED], [7], ""),
    "throttled": ([said("retry", 429, Retry_After="5"), TAGGED], [5], ""),
    "no time named": ([said("", 502), TAGGED], [1], ""),
    "a time that is none": ([said("", 503, Retry_After="tomorrow"), TAGGED], [1], ""),
    "longer than anybody waits": ([said("retry", 503, Retry_After="3600"), TAGGED], [RETRY_AFTER_MAX], ""),
    "too often": (
        [said("retry", 503, "ImageNotReady: soon", Retry_After="2")] * ATTEMPTS,
        [2] * (ATTEMPTS - 1),
        "the function answered 503 ImageNotReady: soon",
    ),
}


@pytest.mark.parametrize(("answers", "waited", "why"), RETRIES.values(), ids=RETRIES)
def test_retries(tagger: HttpSubscriber, answers: list[Says], waited: list[float], why: str) -> None:
    """After a retry the event goes again, when the function wants it, and a few times only."""
    tagger.answer = in_turn(*answers)
    answer, waits = sent(tagger.url)
    assert (answer.detail, waits) == (why, waited)
    assert len(tagger.received) == len(answers)


def test_nobody_there() -> None:
    """Where the function is not reached, a few attempts end the run, for the rest fares no better."""
    answer, waits = sent(f"http://127.0.0.1:{free_port()}/")
    assert answer.stop
    assert "not reached" in answer.detail
    assert waits == [1] * (ATTEMPTS - 1)


def test_the_wrong_token_ends_the_run(place: Place, tagger: HttpSubscriber) -> None:
    """A refused token is refused for every event, so no second one is sent."""
    tagger.answer = lambda _: said("", 401)
    place.put(*map(numbered, range(9)))
    ran = place.run("redrive", "--to", tagger.url)
    assert ran.code == 1
    assert len(tagger.received) == 1
    assert ran.shows("--token-file")
    assert ran.shows("Stopped there")
    assert len(place.left()) == 9


def test_neither_redirects_nor_proxies(
    place: Place, tagger: HttpSubscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events go to the address that was named, whatever the environment or the reply says."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    tagger.answer = in_turn(said("", 307, Location=f"{tagger.url}elsewhere"))
    place.put(numbered(1))
    assert place.run("redrive", "--to", tagger.url).shows("the function answered 307")
    assert len(tagger.received) == 1


class Waits:
    """A target that tags everything at once."""

    def send(self, _message: Message, _message_id: str, _subject: str) -> Answer:
        return Answer("tagged")

    def close(self) -> None:
        """There is no connection."""


def test_the_rate(tmp_path: Path) -> None:
    """Between the beginnings of two deliveries there is the time that the rate leaves."""
    waits: list[float] = []
    store = FileStore(str(written(tmp_path, *map(numbered, range(4)))))
    redrive(Reading(store, ALL), Waits(), 0.01, waits.append)
    assert waits[0] == 0
    assert waits[1:] == pytest.approx([100] * 3, abs=1)


# -- wrong usage ------------------------------------------------------------------------------------

WRONG: dict[str, tuple[list[str], str]] = {
    "no address": ([], "--to URL"),
    "no scheme": (["--to", "127.0.0.1:8080"], "--to must be"),
    "another scheme": (["--to", "ftp://tagger/"], "--to must be"),
    "a user in it": (["--to", "http://me:canary@tagger/"], "--to must be"),
    "a user in it, on NATS": (["--to", "nats://me:canary@bus"], "NATS_CREDS"),
    "a port that is none": (["--to", "http://tagger:x/"], "--to must be"),
    "a path on NATS": (["--to", "nats://bus/canary"], "nats://host:port"),
    "no such token file": (["--to", "http://tagger/", "--token-file", "nowhere"], "nowhere cannot be read"),
    "no token": (["--to", "http://tagger/", "--token-file", "deploy/__init__.py"], "holds no token"),
    "a token for a bus": (["--to", "nats://bus", "--token-file", "nowhere"], "NATS_CREDS"),
}


@pytest.mark.parametrize(("options", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_usage(commands: Commands, tmp_path: Path, options: list[str], sentence: str) -> None:
    """What cannot be right is exit code 2 and a sentence, and shows no secret."""
    path = written(tmp_path, numbered(1))
    ran = commands("dead-letters", "redrive", path, *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.shows(sentence)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# -- only what would come of it, and for real -------------------------------------------------------


def test_dry_run(place: Place, tmp_path: Path) -> None:
    """Nothing is sent or recorded; today's rules say what would become of each event."""
    table = tmp_path / "rules.toml"
    table.write_text('[[rule]]\ntags.owner = { value = "{{ data.owner }}", on_missing = "fail" }\n')
    mended = created(ID, id="mended", data={"image_id": ID, "owner": "ada"})
    other = created(ID, id="another", type="com.example.else")
    place.put(*(by_function(each, "MissingAttribute") for each in (created(ID, id="not"), mended, other)))
    ran = place.run("redrive", "--dry-run", RULES=str(table))
    assert ran.code == 1
    assert fits(ran.out)
    assert ran.shows("event not: dead-letter: MissingAttribute: ")
    assert ran.shows("event mended: tagged")
    assert ran.shows("event another: ignored: ")
    assert ran.shows("accepts every tag: 2 done (1 tagged, 1 ignored), 1 not done")
    data = place.run("redrive", "--dry-run", "--json", RULES=str(table)).json
    assert data["dry_run"] is True
    assert [each["outcome"] for each in data["dead_letters"]] == ["dead-letter", "tagged", "ignored"]
    assert place.left() == ["not", "mended", "another"]


@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_what_needs_no_network_does_not_pay_for_it(tmp_path: Path, verb: list[str]) -> None:
    """Commands on a file that send nothing load neither what speaks HTTP nor what speaks to NATS."""
    command = [sys.executable, "-X", "importtime", "main.py", "dead-letters", *verb]
    ran = subprocess.run(
        [*command, str(written(tmp_path, numbered(1)))], cwd=ROOT, env={}, capture_output=True, check=True
    )
    loaded = {line.rpartition(b"|")[2].strip().partition(b".")[0] for line in ran.stderr.splitlines()}
    assert b"handlers" in loaded
    assert not loaded & {b"requests", b"urllib3", b"flask", b"nats", b"asyncio"}


def test_with_the_function(place: Place, serve: Serve, ims: Ims) -> None:
    """A full image's dead letter, as a bus keeps it, goes back once a tag is deleted; the other one stays."""
    function = serve()
    full, gone = ims.image(tags={f"tag-{number}": "x" for number in range(10)}), created(ID, id="gone")
    for event in (created(full), gone):
        reply = function.structured(event)
        assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
        place.put(by_bus(event, 400, encoded(reply.text)))
    assert place.run("list", "--json").json["reasons"] == {"TagQuotaExceeded": 1, "ImageNotFound": 1}
    assert [
        each["id"] for each in place.run("list", "--json", "--code", "IMG.0116").json["dead_letters"]
    ] == [f"event-of-{full}"]
    for number in range(3):
        ims.api("DELETE", f"/v2/{ims.project_id}/images/{full}/tags/tag-{number}").raise_for_status()
    ran = place.run("redrive", "--to", function.url, "--json")
    assert ran.code == 1
    assert ran.json["done"] == {"tagged": 1}
    (left,) = ran.json["not_done"]
    assert left["id"] == "gone"
    assert left["detail"].startswith("the function answered 400 ImageNotFound: ")
    assert ims.tags(full)["created-by"] == "ada"
    assert not resumed(place) or place.left() == ["gone"]


def test_corrections_stay(place: Place, serve: Serve, ims: Ims) -> None:
    """What somebody wrote since the event failed stays, unless --overwrite is given."""
    function, image_id = serve(), ims.image(tags={"created-by": "grace"})
    place.put(by_bus(created(image_id), 503, "x"))
    assert place.run("redrive", "--to", function.url).code == 0
    tags = ims.tags(image_id)
    assert (tags["created-by"], tags["created-on"]) == ("grace", "2026-01-05")
    place.put(by_bus(created(image_id, id="again"), 503, "x"))
    assert place.run("redrive", "--to", function.url, "--overwrite").code == 0
    assert ims.tags(image_id)["created-by"] == "ada"
