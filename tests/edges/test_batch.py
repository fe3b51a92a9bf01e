"""One call for all tags of an image: what comes of an event is what comes of it with a call a tag."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes.commands import Commands, fits
from tests.processes.emulator import Ims
from tests.processes.function import Function, Serve, created, just_now

PUT, BATCH = "/v1/cloudimages/tags", "/v2/"
SECRET = "canary-secret"
OTHER = "fedcba9876543210fedcba9876543210"

TEN = "[[rule]]\n" + "\n".join(f"tags.k{number} = 'new'" for number in range(10))
ONE_REFUSED = """\
limits = "huawei-cn-new"
[[rule]]
name = "teams"
tags.first = "1"
tags.team = "web base"
tags.last = "{{ image.creator.name }}"
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of tables by name."""
    folder = tmp_path_factory.mktemp("rules")
    paths = {}
    for name, text in {"ten": TEN, "one refused": ONE_REFUSED}.items():
        paths[name] = str(folder / f"{name}.toml")
        Path(paths[name]).write_text(text, encoding="utf-8")
    return paths


def in_batch(serve: Serve, **settings: str) -> Function:
    return serve(TAG_FORM="batch", PROJECTS=Ims.project_id, **settings)


def test_ten_tags_are_one_call(serve: Serve, ims: Ims, tables: dict[str, str]) -> None:
    """One round trip, whatever the number of tags."""
    image_id = ims.image()
    function = in_batch(serve, RULES=tables["ten"])

    assert function.structured(created(image_id)).status_code == 204

    [call] = ims.calls()
    assert call["path"].startswith(BATCH)
    assert len(ims.tags(image_id)) == 10
    [line] = function.lines()
    assert (len(line["written"]), len(line["request_ids"])) == (10, 1)
    assert "batch_fallback" not in line


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="none"),
        pytest.param({"project_id": Ims.project_id}, id="its own"),
        pytest.param({"project_id": "../../v1/x?y#"}, id="a path"),
        pytest.param({"project_id": f"{Ims.project_id}/images"}, id="more than an id"),
        pytest.param({"owner": OTHER}, id="another"),
    ],
)
def test_no_event_shapes_a_path(serve: Serve, ims: Ims, tables: dict[str, str], data: dict[str, Any]) -> None:
    """Whatever it says of its project: where none is served by its id, tags are written one by one."""
    image_id = ims.image()
    function = serve(TAG_FORM="batch", RULES=tables["ten"])

    reply = function.structured(created(image_id, data={"image_id": image_id, **data}))

    assert (reply.status_code, reply.headers["Tagging-Outcome"]) == (204, "tagged")
    assert [(call["method"], call["path"]) for call in ims.calls()] == [("PUT", PUT)] * 10
    [line] = function.lines()
    assert "PROJECTS" in line["batch_fallback"]


@pytest.mark.parametrize("project_id", [Ims.project_id, OTHER])
def test_the_path_has_the_project_of_the_event(
    serve: Serve, ims: Ims, tables: dict[str, str], project_id: str
) -> None:
    """Of several that are served; signatures cover the path."""
    ims.put_key("AK", secret=SECRET, projects=[ims.project_id, OTHER])
    keys = {"OS_TOKEN": "", "OS_ACCESS_KEY": "AK", "OS_SECRET_KEY": SECRET}
    function = serve(TAG_FORM="batch", RULES=tables["ten"], PROJECTS=f"{ims.project_id} {OTHER}", **keys)
    image_id = ims.image(project_id=project_id)
    event = created(image_id, data={"image_id": image_id, "project_id": project_id})

    assert function.structured(event).status_code == 204

    [call] = ims.calls()
    assert call["path"] == f"/v2/{project_id}/images/{image_id}/tags/action"
    assert call["headers"]["X-Project-Id"] == project_id
    assert ims.tags(image_id)


def with_tags(number: int) -> Callable[[Ims], str]:
    return lambda ims: ims.image(tags={f"old{position}": "" for position in range(number)})


UNKNOWN = "62a15f6c-9197-44d2-89c7-708981c1bec1"
CASES: dict[str, tuple[str, Callable[[Ims], str], dict[str, Any] | None]] = {
    "nothing goes wrong": ("ten", with_tags(0), None),
    "a tag is refused": ("one refused", with_tags(0), None),
    "room for some": ("ten", with_tags(6), None),
    "room for none": ("ten", with_tags(10), None),
    "a tag is refused, and room for one": ("one refused", with_tags(9), None),
    "no such image": ("ten", lambda _: UNKNOWN, None),
    "public": ("ten", lambda ims: ims.image(public=True), None),
    "malformed": ("ten", with_tags(0), {"code": "IMG.0001"}),
    "not allowed": ("ten", with_tags(0), {"status": 403}),
    "unavailable": ("ten", with_tags(0), {"status": 503, "retry_after": 7}),
    "throttled": ("ten", with_tags(0), {"code": "APIG.0308"}),
}
SAME = ("message", "severity", "outcome", "reason", "detail", "code", "retry_after", "written", "not_written")


@pytest.mark.parametrize(("table", "image", "fault"), CASES.values(), ids=CASES)
def test_both_calls_end_the_same(
    serve: Serve,
    ims: Ims,
    tables: dict[str, str],
    table: str,
    image: Callable[[Ims], str],
    fault: dict[str, Any] | None,
) -> None:
    """The same tags, the same reply with its reason, the same line of the log."""
    ends = []
    for settings in ({"TAG_FORM": "image_tag"}, {"TAG_FORM": "batch"}):
        function = serve(RULES=tables[table], PROJECTS=ims.project_id, **settings)
        image_id = image(ims)
        if fault:
            ims.fault(**fault)

        reply = function.structured(created(image_id, time=just_now()))

        ims.lift_faults()
        [line] = function.lines()
        assert line["request_ids"] or line["outcome"] == "retry"
        told = {name: line.get(name) for name in SAME}
        headers = {name: reply.headers.get(name) for name in ("Retry-After", "Tagging-Outcome")}
        tags = {} if image_id == UNKNOWN else ims.tags(image_id)
        ends.append((reply.status_code, headers, reply.text, told, list(tags.items())))

    assert ends[0] == ends[1]
    assert bool(line.get("batch_fallback")) == (line["outcome"] == "dead-letter")


# -- the commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "calls"),
    [
        pytest.param("ten", 1, id="ten tags"),
        pytest.param("[[rule]]\nmode = 'audit'\ntags.a = '1'\n", 0, id="nothing to write"),
        pytest.param(
            "limits = 'huawei-cn-new'\n[[rule]]\ntags.'a.b' = '1'\ntags.c = '2'\n", 1, id="a key with a dot"
        ),
    ],
)
def test_explain(commands: Commands, tmp_path: Path, tables: dict[str, str], table: str, calls: int) -> None:
    """All tags are shown in one call; which project is served is no setting of the commands."""
    event, rules = tmp_path / "event.json", tmp_path / "rules.toml"
    event.write_text(json.dumps(created(UNKNOWN)), encoding="utf-8")
    rules.write_text(Path(tables[table]).read_text(encoding="utf-8") if table in tables else table)

    ran = commands("explain", event, "--rules", rules, "--json", TAG_FORM="batch")

    [image] = ran.json["files"][0]["events"][0]["images"]
    assert image["outcome"] == ("tagged" if calls else "nothing-to-tag")
    assert [(call["method"], call["path"]) for call in image["calls"]] == [
        ("POST", f"/v2/{{project_id}}/images/{UNKNOWN}/tags/action")
    ] * calls
    for call in image["calls"]:
        tags = [{"key": key, "value": value} for key, value in image["tags"].items()]
        assert call["body"] == {"action": "create", "tags": tags}
    assert fits(commands("explain", event, "--rules", rules, TAG_FORM="batch").out)


def test_a_gateway_without_the_call(serve: Serve, ims: Ims, tables: dict[str, str]) -> None:
    """Where the path of the batch is not known, each tag has its PUT."""
    ims.fault(status=404, body='{"error_code": "APIG.0101", "error_msg": "-"}', match={"method": "POST"})
    image_id = ims.image()
    function = serve(TAG_FORM="batch", RULES=tables["ten"], PROJECTS=ims.project_id)

    assert function.structured(created(image_id)).headers["Tagging-Outcome"] == "tagged"

    assert [call["method"] for call in ims.calls()] == ["POST", *["PUT"] * 10]
    assert "UnexpectedReply" in function.lines()[0]["batch_fallback"]


def test_one_tag_is_no_batch(serve: Serve, ims: Ims, tmp_path: Path) -> None:
    """It would gain nothing, and the call that every gateway has is the PUT."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule]]\ntags.a = '1'\n", encoding="utf-8")
    function = serve(TAG_FORM="batch", RULES=str(rules), PROJECTS=ims.project_id)

    assert function.structured(created(ims.image())).headers["Tagging-Outcome"] == "tagged"

    assert [call["method"] for call in ims.calls()] == ["PUT"]
    assert "batch_fallback" not in function.lines()[0]
