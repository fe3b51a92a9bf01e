"""`dead-letters redrive`: what is sent, what counts as done, what happens when it is interrupted."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers.commands.letters import Found, letters_in
from handlers.commands.redelivery import ATTEMPTS, RETRY_AFTER_MAX, Function
from handlers.commands.redrive import DONE, Answer, redrive
from handlers.commands.redriven import Redriven
from handlers.core.outcomes import Outcome
from tests.bus import Answer as Says
from tests.bus import HttpSubscriber, Received, in_turn
from tests.commands import Commands, fits
from tests.emulator import Ims
from tests.function import Serve, created, free_port
from tests.test_cli_dead_letters import (
    FULL,
    ID,
    NOW,
    TRACE,
    dead_letter,
    knative,
    notification,
    unparsable,
    written,
)

ROOT = Path(__file__).parent.parent
FAST = ("--rate", "1000")


def said(outcome: str, status: int = 204, body: str = "", **headers: str) -> Says:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says(status, {"Tagging-Outcome": outcome, **named} if outcome else named, body.encode())


TAGGED = said("tagged")


def letter(number: int) -> dict[str, Any]:
    return dead_letter(created(ID, id=f"{number}"), FULL, NOW)


def ids(received: list[Received]) -> list[str]:
    return [json.loads(request.body)["id"] for request in received]


@pytest.fixture
def tagger(http_subscriber: HttpSubscriber) -> HttpSubscriber:
    """In the place of the function; tags everything."""
    http_subscriber.answer = lambda _: TAGGED
    return http_subscriber


# -- what is sent -----------------------------------------------------------------------------------

REQUEST = b"\x00 no event"
SENT: dict[str, tuple[dict[str, Any], str, Any]] = {
    "the function's": (letter(1), "application/cloudevents+json; charset=utf-8", created(ID, id="1")),
    "a bus's": (
        knative(created(ID, extension="kept", deliveryattempts=7), 503, "x"),
        "application/cloudevents+json; charset=utf-8",
        created(ID, extension="kept"),
    ),
    "FunctionGraph's": (notification(TRACE), "application/json", TRACE.encode()),
    "a request whose content type is no header": (
        dead_letter(unparsable(REQUEST, "text/plain\r\nX-Forged: 1"), FULL, NOW),
        "application/octet-stream",
        REQUEST,
    ),
    "a request that was no event": (
        dead_letter(unparsable(REQUEST, "text/plain; charset=x"), FULL, NOW),
        "text/plain; charset=x",
        REQUEST,
    ),
}


@pytest.mark.parametrize(("given", "content_type", "body"), SENT.values(), ids=SENT)
def test_the_original_is_sent(
    commands: Commands,
    tmp_path: Path,
    tagger: HttpSubscriber,
    given: dict[str, Any],
    content_type: str,
    body: Any,
) -> None:
    """The event goes back as it was, without what its dead letter added; a request, byte by byte."""
    ran = commands("dead-letters", "redrive", written(tmp_path, given), "--to", tagger.url, *FAST)
    assert (ran.code, ran.out, ran.err) == (0, "1 done (1 tagged), 0 not done\n", "")
    (request,) = tagger.received
    assert request.headers["content-type"] == content_type
    assert "authorization" not in request.headers
    assert (request.body if isinstance(body, bytes) else json.loads(request.body)) == body


def test_what_was_cut_is_not_sent(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """Of a request that was kept in part only, no part is sent."""
    long = dead_letter(unparsable(b"x" * 65536, None), FULL, NOW) | {"bodybytes": 65537}
    ran = commands("dead-letters", "redrive", written(tmp_path, long, letter(1)), "--to", tagger.url, *FAST)
    assert ran.code == 1
    assert "only the first 65536 of its 65537 bytes were kept" in " ".join(ran.out.split())
    assert ids(tagger.received) == ["1"]


def test_order_and_selection(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """Only what was selected is sent, in the order of the file."""
    letters = [letter(1), knative(created(ID, id="2"), 503, "Throttled: slowly"), letter(3)]
    path = written(tmp_path, *letters)
    ran = commands(
        "dead-letters", "redrive", path, "--to", tagger.url, *FAST, "--reason", "TagQuotaExceeded", "--json"
    )
    assert ran.json == {
        "done": {"tagged": 2},
        "not_done": [],
        "redriven_before": 0,
        "stopped": False,
        "skipped": [],
    }
    assert ids(tagger.received) == ["1", "3"]


def test_the_token(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """The first token of a file goes with every event, and is never shown, not even where it is echoed."""
    tokens = tmp_path / "tokens"
    tokens.write_text("a-token-of-tests another-one\n")
    tagger.answer = lambda request: said("", 400, f"no: {request.headers['authorization']}")
    ran = commands(
        "dead-letters", "redrive", written(tmp_path, letter(1)), "--to", tagger.url, "--token-file", tokens
    )
    assert tagger.received[0].headers["authorization"] == "Bearer a-token-of-tests"
    assert "the function answered 400 no: Bearer (the token)" in " ".join(ran.out.split())
    assert "a-token-of-tests" not in ran.out + ran.err


# -- what counts as done ----------------------------------------------------------------------------

ENDS: dict[str, tuple[Says, str, bool]] = {
    **{outcome: (said(outcome), "", True) for outcome in DONE},
    "tagged, on /invoke": (said("tagged", 200), "", True),
    "dead letter, kept": (said("dead-letter"), "a dead letter again", True),
    "dead letter, not kept": (said("dead-letter", 400, "InvalidTag: bad"), "400 InvalidTag: bad", False),
    "no outcome": (said(""), "is --to the function's address?", False),
    "a page": (said("", 200, "<html>"), "is --to the function's address?", False),
    "redirected": (said("tagged", 302, Location="/elsewhere"), "302", False),
    "no such page": (said("", 404, "nothing here"), "404 nothing here", False),
    "tagged, and yet an error": (said("tagged", 400), "400", False),
}


@pytest.mark.parametrize(("answer", "why", "kept"), ENDS.values(), ids=ENDS)
def test_ends(
    commands: Commands, tmp_path: Path, tagger: HttpSubscriber, answer: Says, why: str, kept: bool
) -> None:
    """Only a Tagging-Outcome of an event that needs no more makes it done. All else is told, exit code 1.

    What is done is not sent again by the next run, and neither is what has a new dead letter at the sink.
    """
    path = written(tmp_path, letter(1))
    tagger.answer = lambda _: answer
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert fits(ran.out)
    assert len(tagger.received) == 1
    assert ran.code == (1 if why else 0)
    assert why in " ".join(ran.out.split())
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert len(tagger.received) == (1 if kept else 2)


def test_several_events_in_one(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """The reply to several events does not say how each ended, so none counts as done."""
    tagger.answer = lambda _: said("")
    path = written(tmp_path, notification(json.dumps([created(ID), created(ID, id="2")])))
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert ran.code == 1
    assert "it holds 2 events" in ran.out


def delivered(address: str, path: Path) -> tuple[Answer, list[float]]:
    """How the first letter of a file ended, and the seconds that were waited meanwhile."""
    waits: list[float] = []
    first = next(letters_in(str(path)))
    assert isinstance(first, Found)
    return Function(address, None, waits.append).deliver(first.letter), waits


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
def test_retries(
    tmp_path: Path, tagger: HttpSubscriber, answers: list[Says], waited: list[float], why: str
) -> None:
    """After a retry the event goes again, when the function wants it, and a few times only."""
    tagger.answer = in_turn(*answers)
    answer, waits = delivered(tagger.url, written(tmp_path, letter(1)))
    assert (answer.why, waits) == (why, waited)
    assert len(tagger.received) == len(answers)


def test_nobody_there(tmp_path: Path) -> None:
    """Where the function is not reached, a few attempts end the run, for the rest fares no better."""
    answer, waits = delivered(f"http://127.0.0.1:{free_port()}/", written(tmp_path, letter(1)))
    assert answer.final
    assert "not reached" in answer.why
    assert waits == [1] * (ATTEMPTS - 1)


def test_the_wrong_token_ends_the_run(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """A refused token is refused for every event, so no second one is sent."""
    tagger.answer = lambda _: said("", 401)
    ran = commands("dead-letters", "redrive", written(tmp_path, *map(letter, range(9))), "--to", tagger.url)
    assert ran.code == 1
    assert len(tagger.received) == 1
    assert "--token-file" in ran.out
    assert "Stopped there" in ran.out


def test_the_rate(tmp_path: Path) -> None:
    """Between the beginnings of two deliveries there is the time that the rate leaves."""
    waits: list[float] = []
    path = written(tmp_path, *map(letter, range(4)))
    redrive(letters_in(str(path)), lambda _: Answer("tagged"), Redriven(None), 0.01, waits.append)
    assert waits[0] == 0
    assert waits[1:] == pytest.approx([100] * 3, abs=1)


# -- again and again --------------------------------------------------------------------------------


def test_the_next_run_sends_nothing_twice(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """What is done is kept beside the file, for its owner's eyes; what is not is sent by the next run."""
    path = written(tmp_path, *map(letter, range(3)))
    tagger.answer = in_turn(TAGGED, said("dead-letter", 400), said("ignored"), TAGGED)
    assert commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST).code == 1
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert (ran.code, ran.out) == (0, "1 done (1 tagged), 0 not done; 2 redriven before\n")
    assert ids(tagger.received) == ["0", "1", "2", "1"]
    kept = path.with_name(f"{path.name}.redriven")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [line.split()[1] for line in kept.read_text().splitlines()] == ["tagged", "ignored", "tagged"]


def test_a_torn_record(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """A line of the record that breaks off costs one event a second delivery, and no more."""
    path = written(tmp_path, *map(letter, range(2)))
    kept = path.with_name(f"{path.name}.redriven")
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    kept.write_bytes(kept.read_bytes()[:-25])
    assert not kept.read_bytes().endswith(b"\n")
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert ids(tagger.received) == ["0", "1", "1"]


def test_two_letters_of_one_event(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """Equal lines at two places are two letters."""
    path = written(tmp_path, letter(1), letter(1))
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert ids(tagger.received) == ["1", "1"]


def test_what_comes_meanwhile_is_left(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """Letters that the function appends while it runs are for the next run, or it would never end."""
    path = written(tmp_path, letter(1), letter(2))

    def fails_again(_: Received) -> Says:
        with path.open("a") as file:
            file.write(json.dumps(letter(3)) + "\n")
        return said("dead-letter")

    tagger.answer = fails_again
    commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST)
    assert ids(tagger.received) == ["1", "2"]
    tagger.answer = lambda _: TAGGED
    assert commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST).code == 0
    assert ids(tagger.received[2:]) == ["3", "3"]


Redrive = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def started() -> Redrive:
    """`redrive` as a process of its own."""

    def start(*arguments: object) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "main.py", "dead-letters", "redrive", *map(str, arguments)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_interrupted(
    commands: Commands, tmp_path: Path, tagger: HttpSubscriber, started: Redrive, how: signal.Signals
) -> None:
    """A run that ends in the middle is gone on with: everything is sent, and at most one event twice."""
    numbers = [str(number) for number in range(30)]
    path = written(tmp_path, *map(letter, range(30)))
    with started(path, "--to", tagger.url, "--rate", "50") as process:
        tagger.wait(5)
        process.send_signal(how)
        _, err = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err.startswith(b"interrupted: ")
        assert b"Traceback" not in err
    assert len(tagger.received) < 30
    assert commands("dead-letters", "redrive", path, "--to", tagger.url, *FAST).code == 0
    assert sorted(set(ids(tagger.received)), key=int) == numbers
    assert len(tagger.received) <= 31


def test_standard_input(tagger: HttpSubscriber, started: Redrive) -> None:
    """From a pipe it works too, and says that it cannot be resumed."""
    with started("--to", tagger.url, *FAST) as process:
        out, err = process.communicate(json.dumps(letter(1)).encode(), timeout=20)
    assert (process.returncode, out) == (0, b"1 done (1 tagged), 0 not done\n")
    assert b"do not interrupt" in err
    assert ids(tagger.received) == ["1"]


def test_progress(tmp_path: Path, tagger: HttpSubscriber, started: Redrive) -> None:
    """A long run says on standard error how far it is."""
    path = written(tmp_path, *map(letter, range(60)))
    with started(path, "--to", tagger.url, "--rate", "20") as process:
        assert process.stderr
        assert process.stderr.readline().startswith(b"line ")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


# -- wrong usage ------------------------------------------------------------------------------------

WRONG: dict[str, tuple[list[str], str]] = {
    "no address": ([], "--to URL"),
    "no scheme": (["--to", "127.0.0.1:8080"], "--to must be"),
    "another scheme": (["--to", "ftp://tagger/"], "--to must be"),
    "a user in it": (["--to", "http://me:secret@tagger/"], "--to must be"),
    "a port that is none": (["--to", "http://tagger:x/"], "--to must be"),
    "no such token file": (["--to", "http://tagger/", "--token-file", "nowhere"], "nowhere cannot be read"),
    "no token": (["--to", "http://tagger/", "--token-file", os.devnull], "holds no token"),
}


@pytest.mark.parametrize(("options", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_usage(commands: Commands, tmp_path: Path, options: list[str], sentence: str) -> None:
    """What cannot be right is exit code 2 and a sentence, and shows no secret."""
    ran = commands("dead-letters", "redrive", written(tmp_path, letter(1)), *options)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in " ".join(ran.err.split())
    assert "secret" not in ran.err


def test_no_room_for_the_record(commands: Commands, tmp_path: Path, tagger: HttpSubscriber) -> None:
    """Where nothing can be kept beside the file, nothing is sent."""
    path = written(tmp_path, letter(1))
    path.with_name(f"{path.name}.redriven").mkdir()
    ran = commands("dead-letters", "redrive", path, "--to", tagger.url)
    assert ran.code == 2
    assert ran.shows(".redriven cannot be read")
    assert tagger.received == []


# -- in thought, and for real -----------------------------------------------------------------------


def test_dry_run(commands: Commands, tmp_path: Path) -> None:
    """Without a network, today's rules say what would become of each event; nothing is kept."""
    table = tmp_path / "rules.toml"
    table.write_text('[[rule]]\ntags.owner = { value = "{{ data.owner }}", on_missing = "fail" }\n')
    missing = Outcome("dead-letter", "MissingAttribute", "no owner")
    mended = created(ID, id="mended", data={"image_id": ID, "owner": "ada"})
    other = created(ID, id="another", type="com.example.else")
    path = written(
        tmp_path, *(dead_letter(event, missing, NOW) for event in (created(ID, id="not"), mended, other))
    )
    ran = commands("dead-letters", "redrive", "--dry-run", path, RULES=str(table))
    assert ran.code == 1
    assert fits(ran.out)
    told = " ".join(ran.out.split())
    assert "line 1, event not: dead-letter: MissingAttribute: " in told
    assert "line 2, event mended: tagged line 3, event another: ignored: " in told
    assert told.endswith("accepts every tag: 2 done (1 tagged, 1 ignored), 1 not done")
    facts = commands("dead-letters", "redrive", "--dry-run", path, "--json", RULES=str(table)).json
    assert facts["dry_run"] is True
    assert [each["outcome"] for each in facts["letters"]] == ["dead-letter", "tagged", "ignored"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dead-letters.jsonl", "rules.toml"]


@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_only_redrive_pays_for_http(tmp_path: Path, verb: list[str]) -> None:
    """What needs no network does not load what speaks HTTP."""
    command = [sys.executable, "-X", "importtime", "main.py", "dead-letters", *verb]
    ran = subprocess.run(
        [*command, str(written(tmp_path, letter(1)))], cwd=ROOT, env={}, capture_output=True, check=True
    )
    loaded = {line.rpartition(b"|")[2].strip().partition(b".")[0] for line in ran.stderr.splitlines()}
    assert b"handlers" in loaded
    assert not loaded & {b"requests", b"urllib3", b"flask"}


def test_with_the_function(commands: Commands, tmp_path: Path, serve: Serve, ims: Ims) -> None:
    """A full image's dead letter, as a bus keeps it, goes back once a tag is deleted; the other one stays."""
    function = serve()
    full, gone = ims.image(tags={f"tag-{number}": "x" for number in range(10)}), created(ID, id="gone")
    letters = []
    for event in (created(full), gone):
        reply = function.structured(event)
        assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (400, "dead-letter")
        letters.append(knative(event, 400, reply.text))
    path = written(tmp_path, *letters)
    reasons = commands("dead-letters", "list", path, "--json").json["reasons"]
    assert reasons == {"TagQuotaExceeded": 1, "ImageNotFound": 1}

    for number in range(3):
        ims.api("DELETE", f"/v2/{ims.project_id}/images/{full}/tags/tag-{number}").raise_for_status()
    ran = commands("dead-letters", "redrive", path, "--to", function.url, "--json")
    assert ran.code == 1
    assert ran.json["done"] == {"tagged": 1}
    (left,) = ran.json["not_done"]
    assert left["id"] == "gone"
    assert left["why"].startswith("the function answered 400 ImageNotFound: ")
    assert ims.tags(full)["created-by"] == "ada"
