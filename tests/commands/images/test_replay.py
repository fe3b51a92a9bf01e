"""`images replay`: recorded traces of created images, as events."""

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.commands.images.conftest import Images
from tests.processes.bus import Answer, HttpSubscriber
from tests.processes.commands import Ran
from tests.processes.emulator import Ims
from tests.processes.function import Serve
from tests.processes.launch import free_port
from tests.processes.scripted_server import answer, peer

FAST = ("--rate", "1000")
IMAGE = "11111111-1111-4111-8111-11111111111a"


def trace(number: object, minutes_ago: float = 10, **changed: Any) -> dict[str, Any]:
    at = int((time.time() - 60 * minutes_ago) * 1000)
    return {
        "trace_id": f"trace-{number}",
        "trace_name": "createImage",
        "trace_type": "ConsoleAction",
        "trace_rating": "normal",
        "service_type": "IMS",
        "resource_type": "ims",
        "resource_id": IMAGE,
        "user": {"name": "grace"},
        "time": at,
        "record_time": at,
    } | changed


@pytest.fixture
def accepting(http_subscriber: HttpSubscriber) -> HttpSubscriber:
    http_subscriber.answer = lambda _: Answer(204, {"Tagging-Outcome": "tagged"})
    return http_subscriber


def received(subscriber: HttpSubscriber) -> list[str]:
    return [request.headers["ce-id"] for request in subscriber.received]


def test_recorded_traces(images: Images, ims: Ims, accepting: HttpSubscriber) -> None:
    """Traces of created images of the time are sent, oldest first, as EventGrid would, and they fill in."""
    traces = [
        trace(1, 30),
        trace(2, 50),
        trace(3, 200),
        trace(4, 20, trace_name="deleteImage"),
        trace(5, 10, trace_name="copyImage", response={"image_id": IMAGE}),
        trace(6, 5),
    ]
    ims.control("POST", "traces", {"traces": traces})
    ran = images("replay", "--to", accepting.url, "--until", "7m", "--json", *FAST)
    assert (ran.code, ran.json["traces"], ran.json["done"]) == (0, 3, {"tagged": 3})
    assert received(accepting) == ["trace-2", "trace-1", "trace-5"]
    headers = accepting.received[0].headers
    assert (headers["ce-type"], headers["ce-tagfillin"]) == ("IMS:CloudTrace:ConsoleAction", "true")
    assert json.loads(accepting.received[0].body)["user"]["name"] == "grace"


def test_a_trace_that_names_nothing(images: Images, ims: Ims, accepting: HttpSubscriber) -> None:
    """A creation whose trace names neither image nor job is sent as well: the function says what is wrong."""
    ims.control("POST", "traces", {"traces": [trace(1, resource_id="", response={})]})
    assert images("replay", "--to", accepting.url, *FAST).shows("1 done (1 tagged)")


def test_many_pages(images: Images, ims: Ims, accepting: HttpSubscriber) -> None:
    """450 traces of one moment come in three pages, and each is sent once."""
    at = int(time.time() * 1000) - 60_000
    ims.control("POST", "traces", {"traces": [trace(n, time=at, record_time=at) for n in range(450)]})
    assert images("replay", "--to", accepting.url, *FAST).shows("450 done (450 tagged)")
    assert sorted(received(accepting)) == sorted(f"trace-{n}" for n in range(450))


def test_through_the_function(images: Images, ims: Ims, serve: Serve) -> None:
    """Both traces of a job go through the function, and the image has its creator's tag."""
    function = serve(PROJECTS=ims.project_id)
    ims.create("by job")
    assert images("replay", "--to", function.url, *FAST).shows("2 done (2 tagged)")
    (image,) = ims.control("GET", "images")["images"]
    assert image["tags"]["created-by"] == "ada"


def test_files(images: Images, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """Files of traces and folders of them are read, compressed or not, and each trace is sent once."""
    folder = tmp_path / "CloudTraces" / "2026" / "11"
    folder.mkdir(parents=True)
    (folder / "a.json.gz").write_bytes(gzip.compress(json.dumps([trace(1, 90), trace(2, 20_000)]).encode()))
    (folder / "b.json").write_text(json.dumps([trace(1, 90), trace(3, 80), "no trace", {"a": 1}]))
    (folder / "notes.txt").write_text("no traces")
    single = tmp_path / "single"
    single.write_text(json.dumps({"traces": [trace(4, 70)]}))
    ran = images("replay", tmp_path / "CloudTraces", single, "--to", accepting.url, *FAST)
    assert ran.code == 0
    assert received(accepting) == ["trace-2", "trace-1", "trace-3", "trace-4"]
    accepting.received.clear()
    images("replay", folder, "--since", "2h", "--until", "85m", "--to", accepting.url, *FAST)
    assert received(accepting) == ["trace-1"]


def test_halves_of_surrogate_pairs(images: Images, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """Half of a surrogate pair, which JSON can write and UTF-8 lacks, is sent as a question mark."""
    path = tmp_path / "traces.json"
    path.write_text(json.dumps([trace("\ud800"), trace(2, user={"name": "\udfff"}, resource_name="\udfff")]))
    assert images("replay", path, "--to", accepting.url, *FAST).shows("2 done (2 tagged)")
    assert json.loads(accepting.received[0].body)["user"] == {"name": "?"}


def test_halves_in_json_as_text(images: Images, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """A trace holds JSON as text, whose escapes can hide half of a surrogate pair: it ends no run."""
    response = rf'{{"entities": {{"image_id": "{IMAGE}", "image_name": "\ud800"}}}}'
    path = tmp_path / "traces.json"
    path.write_text(json.dumps([trace(1, resource_id=None, response=response), trace(2)]))
    assert images("replay", path, "--to", accepting.url, *FAST).shows("2 done (2 tagged)")
    assert json.loads(accepting.received[0].body)["response"] == response


def test_answers_of_another_kind(images: Images, accepting: HttpSubscriber) -> None:
    """A trace may be listed as JSON text. A list whose markers lead back to an earlier page ends the run."""
    pages = [{"traces": [json.dumps(trace(n))], "meta_data": {"marker": f"m{n % 2}"}} for n in range(3)]
    with peer(*(answer(200, json.dumps(page).encode()) for page in pages)) as service:
        ran = images("replay", "--to", accepting.url, *FAST, CTS_ENDPOINT=service.url)
    assert (ran.code, "begins again and again" in " ".join(ran.err.split())) == (2, True)
    with peer(answer(200, json.dumps({"traces": pages[0]["traces"]}).encode())) as service:
        settings = {"CTS_ENDPOINT": service.url, "IMAGE_CREATED_TRACES": "createImage"}
        assert images("replay", "--to", accepting.url, *FAST, **settings).shows("1 done (1 tagged)")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b\x08\x00 torn", "is not whole; fetch it again"),
        (gzip.compress(b"[1, 2, 3]", mtime=0)[:-6], "is not whole; fetch it again"),
        (b"<html>", "holds no traces; it must be JSON"),
        (b"\xff\xfe", "holds no traces; it must be JSON"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_files_that_hold_none(images: Images, tmp_path: Path, content: bytes | None, said: str) -> None:
    """A file without traces is named before anything is sent."""
    path = tmp_path / "traces.json"
    if content is not None:
        path.write_bytes(content)
    ran = images("replay", path, "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows(f"{path} {said}")) == (2, True)


def test_files_without_an_end(images: Images, tmp_path: Path) -> None:
    """A file is read up to a size, and decompressed up to that size."""
    path = tmp_path / "traces.json.gz"
    with path.open("wb") as file:
        file.truncate(2**40)
    ran = images("replay", path, "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("traces.json.gz cannot be read: it is larger than 64 MiB")) == (2, True)
    path.write_bytes(gzip.compress(b"[" + b" " * 65 * 2**20 + b"]", 1))
    ran = images("replay", path, "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("larger than 64 MiB when it is decompressed")) == (2, True)


def test_a_name_that_is_too_long(images: Images) -> None:
    """A name that no file can have is said to be one."""
    ran = images("replay", "x" * 300, "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("cannot be read: File name too long")) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "30d"), "keeps traces for seven days; write --since 7d, or name files"),
        (("--since", "1h", "--until", "2h"), "--since is not before --until"),
        (("--since", "999999d"), "is no time; write"),
        (("--rate", "1e-320"), "is no rate; it is from 0.001 to 1000 a second"),
        (("--state", "x"), "--state belongs to --follow"),
        (("--follow",), "name one with --state FILE"),
        (("--follow", "--state", "x", "--until", "1h"), "leave out the files and --until"),
    ],
)
def test_wrong_use(
    images: Images, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """What cannot be done is said in a sentence."""
    try:
        ran = images("replay", "--to", "http://127.0.0.1:9/", *arguments)
    except SystemExit as ended:
        ran = Ran(int(ended.code or 0), *capsys.readouterr())
    assert (ran.code, ran.shows(said)) == (2, True)


def test_files_without_creations(images: Images, tmp_path: Path) -> None:
    """If files hold no trace of a created image, that is said of the files."""
    path = tmp_path / "traces.json"
    path.write_text("[]")
    ran = images("replay", path, "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("no trace of a created image in these files")) == (0, True)


def test_seven_days(images: Images, ims: Ims, accepting: HttpSubscriber) -> None:
    """What is kept can be asked for, with a clock that is not right and calls that take their time."""
    ims.control("POST", "traces", {"traces": [trace(1, 7 * 24 * 60 - 2)]})
    begin = time.time()
    assert images("replay", "--to", accepting.url, "--since", "7d", *FAST).shows("1 done (1 tagged)")
    (query, *_) = [parse_qs(call["query"]) for call in ims.control("GET", "calls")["calls"]]
    assert int(query["from"][0]) / 1000 > begin - 7 * 24 * 3600 + 50


def test_no_right_and_no_traces(images: Images, ims: Ims) -> None:
    """A missing right is named; where nothing was recorded, that is no fault, and the switch is named."""
    ran = images("replay", "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("see whether Cloud Trace Service is switched on")) == (0, True)
    path = f"/v3/{ims.project_id}/traces"
    ims.control("POST", "faults", {"match": {"path": path}, "status": 403, "code": "CTS.0013"})
    ran = images("replay", "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows("needs the right cts:trace:list")) == (2, True)


def test_a_service_that_is_away(images: Images) -> None:
    """If Cloud Trace Service is away, nothing was wrong with the command: the exit code is 1."""
    ran = images("replay", "--to", "http://127.0.0.1:9/", CTS_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert (ran.code, ran.shows("the connection to Cloud Trace Service was refused")) == (1, True)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, "APIG.0301", "Cloud Trace Service does not accept the credentials"),
        (409, "", "Cloud Trace Service refuses the request"),
        (404, "APIG.0101", "the answer is not from Cloud Trace Service; check CTS_ENDPOINT"),
    ],
    ids=["credentials", "conflict", "address"],
)
def test_who_answered(images: Images, ims: Ims, status: int, code: str, said: str) -> None:
    """What Cloud Trace Service answers is said of it, and not of the tag API or of an image."""
    fault = {"match": {"path": f"/v3/{ims.project_id}/traces"}, "status": status}
    ims.control("POST", "faults", fault | ({"code": code} if code else {}))
    ran = images("replay", "--to", "http://127.0.0.1:9/")
    assert (ran.code, ran.shows(said)) == (2, True)


def test_unreached(images: Images, ims: Ims) -> None:
    """Where nobody serves --to, the run stops there, and says how many are not done."""
    ims.control("POST", "traces", {"traces": [trace(n) for n in range(3)]})
    ran = images("replay", "--to", "http://127.0.0.1:9/", *FAST)
    assert ran.code == 1
    assert ran.shows("was not reached, or did not answer; check --to")
    assert ran.shows("0 done, 0 dead letters, 3 not done")


def test_times(images: Images) -> None:
    """A time can be a moment, a day, or how long ago."""
    now = datetime.now(UTC).isoformat()
    with pytest.raises(SystemExit):
        images("replay", "--to", "http://127.0.0.1:9/", "--since", "yesterday")
    assert images("replay", "--to", "http://127.0.0.1:9/", "--since", "90m", "--until", now).code == 0
