"""What is not published of the cloud is a setting of the emulator, and a profile sets it from the start."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.processes.emulator import Ims
from tests.support.paths import ROOT

PUT = "/v1/cloudimages/tags"


def tagged(ims: Ims, image_id: str, key: str, value: str = "1") -> str:
    """The answer to adding a tag: its status and, if it has a body, its code."""
    response = ims.api("PUT", PUT, json={"image_id": image_id, "image_tag": {"key": key, "value": value}})
    code = response.json()["error"]["code"] if response.content else ""
    return f"{response.status_code} {code}".strip()


def tags_action(ims: Ims, image_id: str) -> int:
    body = {"action": "create", "tags": [{"key": "a", "value": "1"}]}
    return ims.api("POST", f"/v2/{ims.project_id}/images/{image_id}/tags/action", json=body).status_code


def shown(ims: Ims, image_id: str) -> Any:
    return ims.api("GET", f"/v2/images/{image_id}").json()["tags"]


@pytest.mark.parametrize(
    ("settings", "ask", "answer"),
    [
        ({"key_length": 43}, lambda ims, it: tagged(ims, it, "k" * 43), "204"),
        ({"key_length": 43}, lambda ims, it: tagged(ims, it, "k" * 44), "400 IMG.0115"),
        ({"value_length": 255}, lambda ims, it: tagged(ims, it, "k", "v" * 255), "204"),
        ({"dots_in_keys": True}, lambda ims, it: tagged(ims, it, "a.b"), "204"),
        ({"limits": "otc", "dots_in_keys": False}, lambda ims, it: tagged(ims, it, "a.b"), "400 IMG.0115"),
        ({"dots_in_values": True}, lambda ims, it: tagged(ims, it, "a", "1.1"), "204"),
        ({"malformed_tag": "400 IMG.0001"}, lambda ims, it: tagged(ims, it, "*"), "400 IMG.0001"),
        ({"tags_max": 2, "full_image": "409"}, lambda ims, it: tagged(ims, it, "c"), "409"),
        ({"batch_call": False}, tags_action, 404),
        ({"tag_separator": "."}, shown, ["a.1", "b.1"]),
        (
            {"unknown_image_tagged": "400 IMG.0144"},
            lambda ims, _: tagged(ims, str(uuid4()), "a"),
            "400 IMG.0144",
        ),
        (
            {"unknown_image_shown": "400 IMG.9999"},
            lambda ims, _: ims.api("GET", f"/v2/images/{uuid4()}").json()["error"]["code"],
            "IMG.9999",
        ),
        (
            {"unknown_job": "404"},
            lambda ims, _: ims.api("GET", f"/v1/{ims.project_id}/jobs/{uuid4().hex}").status_code,
            404,
        ),
    ],
    ids=lambda part: "" if callable(part) else str(part),
)
def test_a_switch(ims: Ims, settings: dict[str, Any], ask: Callable[[Ims, str], Any], answer: Any) -> None:
    """The service behaves as the setting says."""
    image_id = ims.image(tags={"a": "1", "b": "1"})
    ims.settings(**settings)
    assert ask(ims, image_id) == answer


def test_a_tag_that_is_readable_later(ims: Ims) -> None:
    """A change of the tags is read after `readable_after` seconds, and counts at once for all else."""
    image_id = ims.image(tags={"a": "1"})
    ims.settings(readable_after=60)
    assert tagged(ims, image_id, "b") == "204"
    assert shown(ims, image_id) == ["a=1"]
    assert ims.tags(image_id) == {"a": "1", "b": "1"}
    ims.settings(clock_ahead=61)
    assert shown(ims, image_id) == ["a=1", "b=1"]


def test_where_the_id_of_an_image_is(ims: Ims) -> None:
    """The answer about a job, and its two traces, have the id of the image where the settings say."""
    ims.settings(
        creation_trace="makeImage",
        first_trace_names_image=True,
        image_id_in_trace="response.image_id",
        job_image_id="image.id",
    )
    job = ims.job(ims.create("web"))
    [second, first] = ims.api("GET", f"/v3/{ims.project_id}/traces").json()["traces"]
    image_id = job["image"]["id"]
    assert job["entities"] == {"image_name": "web"}
    assert [first["trace_name"], first["resource_id"]] == ["makeImage", image_id]
    assert "resource_id" not in second
    assert json.loads(second["response"])["image_id"] == image_id


PROFILE = {"profile": 1, "rights": {}, "cloud": {"tag_separator": ".", "trace_bodies": "objects"}}


def test_a_profile(tmp_path: Path) -> None:
    """The emulator is the cloud of the profile from the start, and again after a reset."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(PROFILE), encoding="utf-8")
    ims = Ims("--profile", str(path))
    try:
        ims.settings(tag_separator="=")
        ims.reset()
        assert shown(ims, ims.image(tags={"a": "1"})) == ["a.1"]
        ims.create("web")
        traces = ims.api("GET", f"/v3/{ims.project_id}/traces").json()["traces"]
        assert isinstance(traces[0]["response"], dict)
    finally:
        ims.stop()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("{", "is not JSON", id="no JSON"),
        pytest.param("{}", "does not say its version", id="no profile"),
        pytest.param('{"profile": 2}', "'profile' of a profile must be 1", id="another version"),
        pytest.param('{"profile": 1, "cloud": {"x": 1}}', "has no field 'x'", id="unknown setting"),
        pytest.param('{"profile": 1, "cloud": {"tags_max": true}}', "a whole number", id="a wrong value"),
    ],
)
def test_no_profile(tmp_path: Path, content: str, said: str) -> None:
    """The emulator does not start, and says in one sentence why."""
    path = tmp_path / "profile.json"
    path.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "deploy.local.ims", "--profile", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
