"""What rules say of tags that the image has already, and of single codes of the tag API."""

import pytest

from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve

EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/s",
    "type": "x.image.created",
    "time": "2026-01-05T10:15:30Z",
}
KEEP = """\
[outcomes]
"IMG.0035" = "dead-letter"
"img.0115" = "retry"
[[rule]]
tags.kept = { value = "rule", on_existing = "keep" }
tags.other = "rule"
"""


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rules") / "rules.toml"
    path.write_text(KEEP)
    return str(path)


def tagged(function: Function, ims: Ims, **existing: str) -> dict[str, str]:
    image_id = ims.image(tags=existing)
    reply = function.structured(EVENT | {"subject": image_id})
    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (204, "tagged")
    return ims.tags(image_id)


def test_keep(serve: Serve, ims: Ims, keep: str) -> None:
    """A tag that the image has already stays with "keep", is overwritten without, and the log tells."""
    function = serve(RULES=keep)
    assert tagged(function, ims, kept="mine", other="mine") == {"kept": "mine", "other": "rule"}
    (line,) = function.lines()
    assert [tag["key"] for tag in line["written"]] == ["other"]
    (kept,) = line["not_written"]
    assert (kept["key"], "keeps it" in kept["detail"]) == ("kept", True)


def test_nothing_to_keep(serve: Serve, ims: Ims, keep: str) -> None:
    """Where the image has no such tag, "keep" writes."""
    assert tagged(serve(RULES=keep), ims) == {"kept": "rule", "other": "rule"}


def test_equal_tags_are_not_written(serve: Serve, ims: Ims, keep: str) -> None:
    """Tags that are known to be there already cost no call; the event is tagged all the same."""
    function = serve(RULES=keep)
    assert tagged(function, ims, kept="rule", other="rule") == {"kept": "rule", "other": "rule"}
    assert ims.calls("PUT") == []
    (line,) = function.lines()
    assert [tag["key"] for tag in line["unchanged"]] == ["kept", "other"]


def test_read_only_where_needed(function: Function, ims: Ims) -> None:
    """Without "keep" the image's tags are not read."""
    tagged(function, ims)
    assert ims.calls("GET") == []


def test_one_reading_call(serve: Serve, ims: Ims, keep: str) -> None:
    """With "keep" the image's tags are read by one call."""
    tagged(serve(RULES=keep), ims)
    assert len(ims.calls("GET")) == 1


FAULTS = {
    "not found": ({"status": 400, "code": "IMG.0027"}, 400, "ImageNotFound"),
    "unavailable": ({"status": 503}, 503, "TagApiUnavailable"),
    "a page": ({"status": 200, "body": "<html>"}, 503, "UnexpectedReply"),
    "no image": ({"status": 200, "body": "{}"}, 503, "UnexpectedReply"),
}


@pytest.mark.parametrize(("fault", "status", "reason"), FAULTS.values(), ids=FAULTS)
def test_reading_fails(
    serve: Serve, ims: Ims, keep: str, fault: dict[str, object], status: int, reason: str
) -> None:
    """Where the tags cannot be read, none is written, and the error ends as it does elsewhere."""
    image_id = ims.image()
    ims.fault(**fault, match={"method": "GET"})
    reply = serve(RULES=keep).structured(EVENT | {"subject": image_id})
    assert (reply.status_code, reply.text.split(":")[0]) == (status, reason)
    assert ims.calls("PUT") == []


MOVED = {
    "to a dead letter": ("IMG.0035", 400, "dead-letter"),
    "to a retry": ("IMG.0115", 503, "retry"),
    "not moved": ("IMG.0028", 400, "dead-letter"),
}


@pytest.mark.parametrize(("code", "status", "outcome"), MOVED.values(), ids=MOVED)
def test_moved_codes(serve: Serve, ims: Ims, keep: str, code: str, status: int, outcome: str) -> None:
    """`[outcomes]` moves single codes, whatever their case, and no others."""
    image_id = ims.image()
    ims.fault(status=400, code=code, match={"method": "PUT"})
    reply = serve(RULES=keep).structured(EVENT | {"subject": image_id})
    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (status, outcome)
    assert ("Retry-After" in reply.headers) == (outcome == "retry")
