"""Dead letters on the bus: what a person is told of them, how they are found, and their way back."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg, StreamConfig

from deploy.nats import report
from deploy.nats.advice import BY_REASON, advice
from deploy.nats.binding import cloud_event
from deploy.nats.dead_letters import Failure, dead_letter
from deploy.nats.letter import Letter
from deploy.nats.selection import NO_REPLY, Selection
from tests.bus import PATIENCE, ROOT, Answer, Bus, HttpSubscriber, Subscribing, eventually

IMAGE = "62a15f6c-9197-44d2-89c7-708981c1bec1"
EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
DATA = b'{"image_id": "62A15F6C-9197-44D2-89C7-708981C1BEC1", "size": 1.10}'
STORED = datetime(2026, 1, 5, 10, 15, 30, tzinfo=UTC)


def kept(
    status: int | None = 400,
    body: bytes = b"InvalidEvent: no image id",
    headers: dict[str, str] = EVENT,
    data: bytes = DATA,
) -> tuple[dict[str, str], bytes]:
    """Headers and data of a dead letter, as the subscription stores it."""
    failure = Failure("http://function/", status, body, 3)
    return dead_letter(headers, data, cloud_event(headers, data), failure)


def letter(
    status: int | None = 400,
    body: bytes = b"InvalidEvent: no image id",
    headers: dict[str, str] = EVENT,
    data: bytes = DATA,
) -> Letter:
    return Letter(7, "images-dead.eu.created", STORED, *kept(status, body, headers, data))


# --- the event comes back


def test_event_comes_back() -> None:
    """Of a CloudEvent only the failure's facts go, a subscriber's own too; all else stays as written."""
    start = b'{"specversion":"1.0","id":"\\u0061","source":"s","type":"t","n":1.0e+2'
    own = b',"deadletterreason":"X","deadletterrule":"r","deliveryattempts":2'
    headers, data = letter(
        headers={"content-type": "application/cloudevents+json"}, data=start + own + b"}"
    ).message
    assert headers == {"Content-Type": "application/cloudevents+json"}
    assert data == start + b"}"


@given(
    st.dictionaries(
        st.sampled_from(["Content-Type", "ce-id", "ce-type", "ce-source", "ce-specversion", "Trace"]),
        st.text(max_size=9) | st.sampled_from(["application/cloudevents+json", "text/plain", "1.0"]),
    ),
    st.binary(max_size=40),
)
def test_any_other_message_comes_back(headers: dict[str, str], data: bytes) -> None:
    """What was no CloudEvent comes back with its bytes and headers; no fact of a failure stays."""
    back = letter(headers=headers, data=data).message
    if cloud_event(headers, data) is None:
        assert back == (headers, data)
    assert not any("knative" in name for name in back[0])
    assert b"knative" not in back[1]


# --- which are meant


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(), True),
        (Selection(reason="invalidEVENT"), True),
        (Selection(reason="Quota"), False),
        (Selection(code=400), True),
        (Selection(code=503), False),
        (Selection(code=NO_REPLY), False),
        (Selection(since=STORED, until=STORED), True),
        (Selection(since=datetime(2026, 1, 5, 10, 15, 31, tzinfo=UTC)), False),
        (Selection(until=datetime(2026, 1, 5, 10, 15, 29, tzinfo=UTC)), False),
        (Selection(image=IMAGE), True),
        (Selection(image=IMAGE.replace("6", "7")), False),
        (Selection(subject="images.eu.created"), True),
        (Selection(subject="images.*.created"), True),
        (Selection(subject="images.>"), True),
        (Selection(subject="images.*"), False),
        (Selection(subject="images.eu.creat"), False),
        (Selection(code=400, subject="images.us.>"), False),
    ],
    ids=str,
)
def test_selection(selection: Selection, *, meant: bool) -> None:
    """A dead letter is meant if all that is asked for is true of it."""
    assert (letter() in selection) is meant


def test_no_reply_is_selected() -> None:
    """Those without a reply can be asked for, and for their reason too."""
    assert letter(None, b"No reply within 30 seconds.") in Selection(code=NO_REPLY, reason="no reply within")


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        (EVENT | {"ce-subject": IMAGE}, b""),
        (EVENT | {"Content-Type": "image/png"}, b"\x01" + IMAGE.encode() + b"\xff"),
        ({}, b"[" + IMAGE.upper().encode()),
        ({"X-Image": IMAGE.upper()}, b"\xff"),
    ],
    ids=["attribute", "base64", "bare", "header"],
)
def test_image_anywhere(headers: dict[str, str], data: bytes) -> None:
    """An image is found wherever the event names it, in whatever case, encoded data included."""
    assert letter(headers=headers, data=data) in Selection(image=IMAGE)


# --- what a person is told


def test_every_reason_is_explained() -> None:
    """Every error of the README's table of outcomes has an explanation, and nothing else has."""
    outcomes = (ROOT / "README.md").read_text().partition("## Outcomes")[2].partition("\n## ")[0]
    assert set(BY_REASON) == set(re.findall(r"^\| `([A-Z][a-z]\w+)` \|", outcomes, re.MULTILINE))


@pytest.mark.parametrize(
    ("status", "body", "happened", "why", "to_do"),
    [
        (
            400,
            b"TagQuotaExceeded: full",
            "answered delivery 3 of the event with 400: TagQuota",
            "as many",
            "Delete",
        ),
        (503, b"ImageNotReady: queued", "with 503: ImageNotReady: queued", "not ready", "Wait until"),
        (503, b"<html>", "with 503: <html>", "could have passed", "Check that the subscriber runs"),
        (None, b"No reply within 30 seconds.", "gave no reply to delivery 3", "could have passed", "redrive"),
        (400, b"", "with 400: no text", "the event itself is at fault", "mend the producer"),
        (401, b"token", "with 401: token", "demands a token", "SUBSCRIBER_URL"),
        (413, b"large", "with 413: large", "larger", "limit"),
        (302, b"", "with 302", "redirects are not followed", "the right address"),
        (418, b"teapot", "with 418: teapot", "would be refused again", "Read the reply"),
    ],
    ids=["reason", "used up", "unknown", "no reply", "silent", "token", "large", "redirect", "other"],
)
def test_advice(status: int | None, body: bytes, happened: str, why: str, to_do: str) -> None:
    """A person is told what happened, why it stays so, and what to do, from the reply and its status."""
    told = advice(letter(status, body))
    assert told.happened.startswith("http://function/ ")
    assert happened in told.happened
    assert why in told.why
    assert to_do in told.to_do


def test_foreign_message() -> None:
    """A message that nobody made a dead letter is shown, and said to be one."""
    foreign = Letter(1, "images-dead.x", STORED, {}, b"hello")
    assert "says nothing" in advice(foreign).happened
    assert "Find out who publishes" in advice(foreign).to_do
    assert report.row(foreign).endswith("none  no text")


@pytest.mark.parametrize(
    "data", [DATA, b"\x1b[2Jno\x9b json", b"[" * 900 + b"]" * 900], ids=["event", "no json", "deep"]
)
def test_nothing_commands_the_terminal(data: bytes) -> None:
    """Whatever the event and the reply hold, lines stay lines, and the table stays within 80 columns."""
    hostile = letter(400, b"\x1b[31mred\n\r\x00\xe2\x80\xae" * 9, EVENT | {"X": "\x9b"}, data)
    for line in (report.row(hostile), *report.page(hostile)):
        assert line.isprintable()
    assert len(report.row(hostile)) <= report.WIDTH
    assert "\n" not in report.json_line(hostile)


def test_json_line() -> None:
    """A line of JSON has the facts, and the event with its numbers as the producer wrote them."""
    text = report.json_line(letter(data=b'{\n "n": 1.10\r\n}'))
    assert '"data":{  "n": 1.10  }' in text
    assert json.loads(text) == {
        "sequence": 7,
        "stored": "2026-01-05T10:15:30+00:00",
        "subject": "images.eu.created",
        "code": 400,
        "reason": "InvalidEvent: no image id",
        "attempts": 3,
        "destination": "http://function/",
        "event": {name.removeprefix("ce-"): value for name, value in EVENT.items()} | {"data": {"n": 1.1}},
    }


# --- the commands, on the bus


@pytest.fixture
def stored(own_bus: Bus) -> Bus:
    """Three dead letters: of an event that was refused, of one without a reply, of no CloudEvent."""

    async def store(js: JetStreamContext) -> None:
        for name, subjects in (("IMAGES", "images.>"), ("IMAGES_DEAD", "images-dead.>")):
            await js.add_stream(StreamConfig(name, subjects=[subjects], max_msg_size=4096))
        for number, (headers, data) in enumerate(
            (
                kept(),
                kept(None, b"No reply within 30 seconds."),
                kept(headers={"Content-Type": "text/csv"}, data=b"a;b\r\n\xff"),
            ),
            start=1,
        ):
            await js.publish(f"images-dead.nr{number}", data, headers=headers)

    own_bus.do(store)
    return own_bus


def run(bus: Bus | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m deploy.nats dead-letters ...` at this bus."""
    url = bus if isinstance(bus, str) else bus.url
    return subprocess.run(
        (sys.executable, "-m", "deploy.nats", "dead-letters", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NATS_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def messages(bus: Bus) -> list[RawStreamMsg]:
    """The messages of IMAGES in order."""

    async def read(js: JetStreamContext) -> list[RawStreamMsg]:
        state = (await js.stream_info("IMAGES")).state
        return [await js.get_msg("IMAGES", seq) for seq in range(1, state.last_seq + 1)]

    return bus.do(read)


def test_list(stored: Bus) -> None:
    """`list` prints a table and a count, and takes nothing out of the stream."""
    done = run(stored, "list")
    heading, *rows, count = done.stdout.splitlines()
    assert (done.returncode, done.stderr, count) == (0, "", "3 dead letters.")
    assert heading.split() == ["SEQUENCE", "STORED", "(UTC)", "CODE", "REASON"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    assert [row.split()[3] for row in rows] == ["400", "none", "400"]
    assert stored.count("IMAGES_DEAD") == 3


def test_list_filtered_as_json(stored: Bus) -> None:
    """Filters are options, and --json prints an object a line."""
    done = run(
        stored,
        *("list", "--json", "--code", "400", "--image", IMAGE.upper(), "--since", "2026-01-05T10:15:30Z"),
        *("--until", "9999-01-05T10:15:30+01:00", "--reason", "no image", "--subject", "images.*"),
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["subject"] == "images.nr1"


def test_show(stored: Bus) -> None:
    """`show` tells what happened first and the event last; with --json the same as an object."""
    text = run(stored, "show", "1").stdout
    assert text.startswith("What happened\n  http://function/ answered delivery 3 of the event with 400:")
    assert text.index("Why it stays so") < text.index("What to do") < text.index('"image_id"')
    assert "dead-letters redrive 1" in text
    shown = json.loads(run(stored, "show", "3", "--json").stdout)
    assert base64.b64decode(shown["event"]["data_base64"]) == b"a;b\r\n\xff"
    assert shown["advice"].keys() == {"happened", "why", "to_do"}


def test_redrive(stored: Bus) -> None:
    """`redrive` publishes each event where it was published, without facts of the failure, and deletes it."""
    done = run(stored, "redrive", "--rate", "100")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "3 redriven, 0 refused.\n")
    first, second, third = messages(stored)
    assert [message.subject for message in (first, second, third)] == [
        "images.nr1",
        "images.nr2",
        "images.nr3",
    ]
    event = {name.removeprefix("ce-"): value for name, value in EVENT.items()}
    assert json.loads(first.data or b"") == event | {"data": json.loads(DATA)}
    assert third.data == b"a;b\r\n\xff"
    ids = {(message.headers or {}).pop("Nats-Msg-Id") for message in (first, second, third)}
    assert len(ids) == 3
    assert (third.headers or {})["Content-Type"] == "text/csv"
    assert not any("knative" in name for name in third.headers or {})
    assert stored.count("IMAGES_DEAD") == 0


def test_redrive_some(stored: Bus) -> None:
    """Sequences and filters choose; a sequence that is not there is said, and the others are redriven."""
    done = run(stored, "redrive", "1", "9", "2", "2", "--code", "none")
    assert done.returncode == 1
    missing, counts = done.stderr.splitlines()
    assert missing.startswith("There is no dead letter 9;")
    assert counts == "1 redriven, 0 refused."
    assert [message.subject for message in messages(stored)] == ["images.nr2"]
    assert stored.count("IMAGES_DEAD") == 2


def test_dry_run(stored: Bus) -> None:
    """--dry-run lists what would be redriven, and changes nothing."""
    done = run(stored, "redrive", "--dry-run", "--code", "none")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "1 dead letter would be redriven."
    assert (stored.count(), stored.count("IMAGES_DEAD")) == (0, 3)


def test_interrupted_redrive_goes_on(stored: Bus) -> None:
    """Interrupted by SIGINT, a redrive says so; run again it goes on, and each event is published once."""

    async def more(js: JetStreamContext) -> None:
        headers, data = kept()
        for _ in range(17):
            await js.publish("images-dead.more", data, headers=headers)

    stored.do(more)
    process = subprocess.Popen(
        (sys.executable, "-m", "deploy.nats", "dead-letters", "redrive", "--rate", "20"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NATS_URL": stored.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: stored.count() >= 2, "two events redriven")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Interrupted; run the command again to go on."
    assert 0 < stored.count("IMAGES_DEAD") < 20
    assert run(stored, "redrive", "--rate", "1000").returncode == 0
    assert (stored.count(), stored.count("IMAGES_DEAD")) == (20, 0)


def test_published_but_not_deleted(own_bus: Bus) -> None:
    """What was published and could not be deleted is not published a second time by the next redrive."""

    async def store(js: JetStreamContext) -> None:
        await js.add_stream(StreamConfig("IMAGES", subjects=["images.>"]))
        await js.add_stream(StreamConfig("IMAGES_DEAD", subjects=["images-dead.>"], deny_delete=True))
        headers, data = kept()
        await js.publish("images-dead.x", data, headers=headers)

    own_bus.do(store)
    for _ in range(2):
        done = run(own_bus, "redrive")
        assert done.returncode == 1
        assert "The bus did not do its part" in done.stderr
        assert own_bus.count() == 1


def test_too_large(stored: Bus) -> None:
    """An event that the stream does not take stays a dead letter, is said, and holds up no other."""

    async def shrink(js: JetStreamContext) -> None:
        config = (await js.stream_info("IMAGES")).config
        await js.update_stream(config.evolve(max_msg_size=180))

    stored.do(shrink)
    done = run(stored, "redrive", "--rate", "100")
    assert done.returncode == 1
    assert "Dead letter 1 stays: the event has" in done.stderr
    assert done.stderr.endswith("1 redriven, 2 refused.\n")
    assert stored.count("IMAGES_DEAD") == 2


@pytest.mark.parametrize(
    ("arguments", "status", "fault"),
    [
        (("show", "9"), 1, "There is no dead letter 9;"),
        (("show", "0"), 2, "'0' is no sequence; give a whole number such as 7"),
        (("list", "--since", "2026-01-05"), 2, "'2026-01-05' is no time with a zone"),
        (("list", "--code", "OK"), 2, "'OK' is no HTTP status"),
        (("list", "--image", "x"), 2, "'x' is no UUID"),
        (("list", "--subject", "orders.>"), 2, "'orders.>' is none of images.>"),
        (("redrive", "--rate", "0"), 2, "'0' is no rate"),
    ],
    ids=["missing", "sequence", "time", "code", "image", "subject", "rate"],
)
def test_wrong_input(stored: Bus, arguments: tuple[str, ...], status: int, fault: str) -> None:
    """What is wrong is said in one sentence; 1: it is not there, 2: it cannot be."""
    done = run(stored, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert fault in done.stderr.splitlines()[-1]


def test_no_stream(own_bus: Bus) -> None:
    """Without the stream of dead letters the command ends with 1 and one sentence."""
    done = run(own_bus, "list")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("There is no stream IMAGES_DEAD;")


def test_no_bus(tmp_path: Path) -> None:
    """Without a bus the command ends with 1 and one sentence, and soon."""
    bus = Bus(tmp_path)
    bus.start()
    bus.stop()
    done = run(bus, "redrive")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("NATS does not answer (")


def test_wrong_setting() -> None:
    """A malformed NATS_URL ends the command with 2 and one sentence."""
    done = run("http://bus", "list")
    assert (done.returncode, done.stderr) == (2, "NATS_URL must be a URL such as nats://host:port.\n")


def test_way_back(
    own_bus: Bus, http_subscriber: HttpSubscriber, subscribing: Callable[..., Subscribing]
) -> None:
    """Redriven too early an event is a dead letter again, and that once; after the repair it is accepted."""
    subscription = subscribing(NATS_URL=own_bus.url, SUBSCRIBER_URL=http_subscriber.url)
    subscription.logged("subscription.ready")
    http_subscriber.answer = lambda _: Answer(400, body=b"TagRefused: no")
    own_bus.publish("images.created", DATA, EVENT)
    subscription.logged("delivery.dead_letter")
    assert run(own_bus, "redrive").stderr == "1 redriven, 0 refused.\n"
    subscription.logged("delivery.dead_letter", 2)
    http_subscriber.answer = lambda _: Answer()
    assert run(own_bus, "redrive").returncode == 0
    subscription.logged("delivery.accepted", event_id="42", attempt=1)
    assert own_bus.count() == own_bus.count("IMAGES_DEAD") == 0
