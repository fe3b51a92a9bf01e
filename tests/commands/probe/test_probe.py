"""`probe` in front of the emulator: what it tells, asks, finds and leaves behind."""

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from handlers.commands import probe as command
from handlers.commands.files import UsageError
from handlers.commands.probe.keys import FILLERS, KEYS, LONG, PREFIX
from handlers.commands.probe.steps import table as steps
from handlers.commands.probe.switches import REASONS, SWITCHES
from handlers.commands.targets.rate import Pace
from tests.bench.system.probe import probe
from tests.processes.commands import Commands, fits
from tests.processes.emulator import Ims
from tests.processes.terminal import on_terminal
from tests.support.probe.draws import (
    SETTINGS,
    TOKEN,
    TRACES,
    Draw,
    Probed,
    VirtualTime,
    end_probe,
    everything_observable,
    run_probe,
)

PUT, ACTION = "/v1/cloudimages/tags", "/tags/action"
OTHER = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile.json"


def environ(ims: Ims, **changed: str) -> dict[str, str]:
    settings = {"IMS_ENDPOINT": ims.url, "CTS_ENDPOINT": ims.url, "OS_TOKEN": TOKEN}
    return settings | {"PROJECTS": ims.project_id} | changed


def asked(ims: Ims) -> list[dict[str, Any]]:
    """The calls of the probe, without those that made the cloud."""
    return [call for call in ims.calls() if not call["path"].endswith(("/v2/cloudimages/action", "/copy"))]


def test_benchmark() -> None:
    """In clouds drawn by chance it finds what can be found, and it leaves nothing, wherever it is ended."""
    rows = probe(draws=12, every=16, clouds=1, calls=200)
    assert [row.what for row in rows if row.must and not row.met] == []
    assert {row.what: row.here for row in rows}["of them, tags left at first"] != [0]


def test_a_terminal(ims: Ims, profile: Path) -> None:
    """It says which calls it will make, asks, and makes none without a yes."""
    image_id = Draw.by_chance(1)._replace(denied=()).happen(ims) or ims.image()
    before = len(ims.calls())
    arguments = ("main.py", "probe", "--image", image_id, "--profile", str(profile))
    shown = on_terminal(sys.executable, *arguments, columns=80, typed=b"n\n", **environ(ims))
    assert [name for name in steps.NAMES if f". {name}: " not in shown] == []
    assert "GET /v2/cloudimages" in shown
    assert f"left out: {REASONS['no-quota']}" in shown
    assert f"writes tags whose keys begin with {PREFIX}" in " ".join(shown.split())
    assert "Go on? [y/N]" in shown
    assert "nothing was done" in shown
    assert len(ims.calls()) == before
    assert not profile.exists()


def test_read_only(commands: Commands, ims: Ims, profile: Path) -> None:
    """Without an image it only reads, and shows what it means, in 80 columns."""
    draw = Draw.by_chance(3)._replace(denied=(), status="")
    draw.build(ims)
    skipped = ("images", "jobs")  # the pace is real here
    ran = commands("probe", "--profile", profile, "--skip", *skipped, **environ(ims))
    assert ran.code == 0
    assert {call["method"] for call in asked(ims)} == {"GET"}
    assert fits(ran.out)
    assert fits(ran.err)
    assert ran.shows(f"a query for an unknown image is refused with {draw.cloud['unknown_image_shown']}")
    assert ran.shows(REASONS["no-image"])


def test_nobody_is_named(ims: Ims, profile: Path) -> None:
    """The profile has no id, name, address or secret that the cloud knows."""
    image_id = everything_observable(5).build(ims)
    run_probe(ims.url, profile, image_id, quota=True)
    text = profile.read_text(encoding="utf-8")
    known = json.dumps([ims.control("GET", "images"), ims.control("GET", "traces"), ims.calls()])
    ids = set(re.findall(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", known))
    names = {"ada@", "of-ada", "example", "env", "prod", "web-of", "127.0.0.1", ims.token, TOKEN, ims.url}
    assert len(ids) > 5
    assert [each for each in {*ids, *names} if each in text] == []
    assert re.findall(r"[0-9a-f]{12}|[0-9]{6}|https?:", text) == []


def test_an_answer_with_somebodys_text(ims: Ims, profile: Path) -> None:
    """What a cloud answers in another form than a switch has is not shared."""
    image_id = everything_observable(5).build(ims)
    ims.fault(match={"path": f"/v1/{ims.project_id}/jobs/{'0' * 32}"}, status=400, code="jane said no")
    probed = run_probe(ims.url, profile, image_id, skip=["quota", "trace-of-tag", "refusals"])
    assert "jane" not in profile.read_text(encoding="utf-8")
    assert probed.profile["cloud"]["unknown_job"] == "400"


@pytest.mark.parametrize(
    "body",
    [
        '{"images": [1, {"id": 2}, {"id": "x", "tags": 3}], "tags": [4], "traces": [5, {"trace_name": [6]}]}',
        '{"traces": [{"trace_name": "createImage", "service_type": "IMS", "response": 7, "time": "x"}]}',
        '{"images": {}, "traces": "8", "meta_data": 9, "page_info": []}',
        "[]",
        "<html>",
    ],
)
def test_odd_answers(ims: Ims, profile: Path, body: str) -> None:
    """No answer ends it but by a sentence, and none that says nothing gets into the profile as a finding."""
    image_id = everything_observable(5).build(ims)
    for path in ("/v2/cloudimages", "/v3/", "/v1/"):
        ims.fault(match={"method": "GET", "path": path}, times=9, status=200, body=body)
    probed = run_probe(ims.url, profile, image_id, skip=["quota", "refusals"])
    assert probed.code == 0
    found = {"creation_trace", "copy_resource", "image_id_in_trace", "job_image_id", "page_info"}
    assert not found & probed.profile["cloud"].keys()


def test_pace() -> None:
    """Two calls a second: each begins at least half a second after the one before."""
    now, begun = [0.0], list[float]()

    def wait(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(2, wait, lambda: now[0])
    for _ in range(4):
        pace.begin()
        begun.append(now[0])
        now[0] += 0.2
    assert begun == pytest.approx([0, 0.5, 1.0, 1.5])


def test_every_call_is_paced(ims: Ims, profile: Path) -> None:
    """A run takes half a second for each of its calls, but the first."""
    image_id = everything_observable(5, batch_call=False, readable_after=0).build(ims)
    virtual = VirtualTime(ims.url)
    run_probe(ims.url, profile, image_id, quota=True, skip=["trace-of-tag"], virtual=virtual)
    assert virtual.now == (len(asked(ims)) - 1) / 2


def test_all_that_can_be_left(ims: Ims, profile: Path) -> None:
    """However much is left, a run removes it within its calls, and says what it had no call for."""
    wide = {"dots_in_keys": True, "key_length": 128, "readable_after": 13, "trace_tagging": "none"}
    draw = everything_observable(5, batch_call=False, **wide)
    draw.build(ims)
    left = dict.fromkeys((*KEYS[:5], *FILLERS), "1")
    image_id = ims.image(tags={"env": "prod"} | left)
    probed = run_probe(ims.url, profile, image_id, quota=True)
    assert ims.tags(image_id) == {"env": "prod"}
    assert len(asked(ims)) <= 60
    assert probed.profile["not_observed"]["tags_max"] == "no-calls"


@pytest.mark.parametrize("batch", [True, False])
def test_an_almost_full_image(ims: Ims, profile: Path, batch: bool) -> None:
    """On an image with room for one tag, a refusal for want of room is not taken for one of a long key."""
    draw = everything_observable(5, batch_call=batch, key_length=128, dots_in_keys=True)
    image_id = draw._replace(own_tags=9).build(ims)
    cloud = run_probe(ims.url, profile, image_id, quota=True).profile["cloud"]
    assert (cloud["key_length"], cloud["dots_in_keys"], cloud["tags_max"]) == (128, True, 10)


@pytest.mark.parametrize("separator", ["=", "."])
@pytest.mark.parametrize("batch", [True, False])
def test_left_over(ims: Ims, profile: Path, separator: str, batch: bool) -> None:
    """Tags of a killed run are removed in whichever form they are listed, and no other tag is."""
    draw = everything_observable(5, tag_separator=separator, batch_call=batch, readable_after=5)
    draw.build(ims)
    own = {"image-tagger": "1", "env": "image-tagger-probe"}
    image_id = ims.image(tags=own | {PREFIX: "1.1", f"{PREFIX}.dot": "1", LONG: "1"})
    run_probe(ims.url, profile, image_id, skip=["quota", "trace-of-tag"])
    assert ims.tags(image_id) == own
    calls = [
        f"{call['method']} {call['path']} {call['body']}" for call in ims.calls() if call["status"] == 204
    ]
    removals = [number for number, call in enumerate(calls) if LONG in call]
    assert min(removals) < min(number for number, call in enumerate(calls) if call.startswith("PUT"))


def test_a_tag_that_cannot_be_removed(ims: Ims, profile: Path) -> None:
    """Nothing is written where no way to remove a tag works."""
    image_id = everything_observable(5).build(ims)
    ims.fault(match={"method": "POST"}, times=99, status=500)
    ims.fault(match={"method": "DELETE"}, times=99, status=500)
    probed = run_probe(ims.url, profile, image_id, quota=True)
    puts = [json.loads(call["body"])["image_id"] for call in ims.calls("PUT", PUT)]
    assert image_id not in puts
    assert probed.profile["not_observed"]["key_length"] == "no-removal"


class _NoRemoval(VirtualTime):
    """The tags cannot be removed any more once the first one is written."""

    def __init__(self, ims: Ims) -> None:
        super().__init__(ims.url)
        self._emulator = ims

    def wait(self, seconds: float) -> None:
        if self._emulator.calls("PUT", PUT) and not self._emulator.faults():
            self._emulator.fault(match={"method": "POST"}, times=99, status=500)
            self._emulator.fault(match={"method": "DELETE"}, times=99, status=500)
        super().wait(seconds)


def test_a_tag_that_is_left(ims: Ims, profile: Path) -> None:
    """Where a tag cannot be removed at the end, it says so and fails; the next run removes it."""
    image_id = everything_observable(5).build(ims) or ""
    before = ims.tags(image_id)
    probed = run_probe(ims.url, profile, image_id, virtual=_NoRemoval(ims))
    assert probed.code == 1
    assert PREFIX in probed.data["left"]
    ims.lift_faults()
    assert run_probe(ims.url, profile, image_id).code == 0
    assert ims.tags(image_id) == before


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal(ims: Ims, profile: Path, by: signal.Signals) -> None:
    """A signal ends it after the tags are removed."""
    image_id = everything_observable(5).build(ims) or ""
    before = ims.tags(image_id)
    assert end_probe(ims, profile, image_id, 14, by) != 0
    assert ims.calls("PUT", PUT)
    assert ims.tags(image_id) == before
    assert not profile.exists()


def test_skip(ims: Ims, profile: Path) -> None:
    """A step that is left out makes no call, and neither does one that needs it; the rest says why."""
    image_id = everything_observable(5).build(ims)
    probed = run_probe(ims.url, profile, image_id, quota=True, skip=["tag", "images"])
    assert ims.calls("PUT", PUT) == []
    missing = probed.profile["not_observed"]
    assert {missing[name] for step in steps.STEPS[5:] for name in step.switches} == {"skipped"}
    assert missing["page_info"] == "skipped"


@pytest.mark.parametrize("skipped", steps.NAMES)
def test_each_can_be_skipped(ims: Ims, profile: Path, skipped: str) -> None:
    """Whichever step is left out, the others run, and the image is as it was."""
    image_id = everything_observable(5).build(ims) or ""
    before = ims.tags(image_id)
    assert run_probe(ims.url, profile, image_id, quota=True, skip=[skipped]).code == 0
    assert ims.tags(image_id) == before


def failed(ims: Ims, profile: Path, image_id: str | None = None) -> str:
    with pytest.raises(UsageError) as raised:
        run_probe(ims.url, profile, image_id)
    return str(raised.value)


def test_credentials(ims: Ims, profile: Path) -> None:
    """Refused credentials end it at once: failures in a row lock a key."""
    ims.reset()
    ims.drop_token(TOKEN)
    assert "does not accept the credentials" in failed(ims, profile)
    assert len(ims.calls()) == 1


def test_another_image(ims: Ims, profile: Path) -> None:
    """An image that is not there, or not one's own, gets no tag."""
    everything_observable(5).build(ims)
    assert "is not found in the project" in failed(ims, profile, "00000000-0000-0000-0000-000000000001")
    shared = ims.image(project_id=OTHER, members={ims.project_id: "accepted"})
    assert "belongs to another project" in failed(ims, profile, shared)
    assert ims.calls("PUT", PUT) == []


def test_nobody_answers(ims: Ims, profile: Path) -> None:
    """A server that is no image service is told apart from a cloud without rights."""
    everything_observable(5).build(ims)
    ims.fault(match={"path": "/v2/images"}, times=1, status=404, body="<html>no such page</html>")
    assert "no image service" in failed(ims, profile)


def test_projects(ims: Ims, commands: Commands, profile: Path) -> None:
    """The image is looked for in each of the projects."""
    ims.put_key("ACCESS", secret="canary-key", projects=[OTHER, ims.project_id])
    image_id = ims.image(tags={"a": "1"})
    keys = {"HUAWEICLOUD_SDK_AK": "ACCESS", "HUAWEICLOUD_SDK_SK": "canary-key"}
    settings = environ(ims, PROJECTS=f"{OTHER} {ims.project_id}", **keys)
    del settings["OS_TOKEN"]
    skipped = [name for name in steps.NAMES if name not in {"identity", "image", "tag"}]
    ran = commands("probe", "--image", image_id, "--profile", profile, "--skip", *skipped, **settings)
    assert ran.code == 0
    assert json.loads(profile.read_text(encoding="utf-8"))["cloud"]["readable_after"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quota"], "name the image that may get them with --image"),
        (["--image", "web"], "is no image id"),
        (["--skip", "taging"], "there is no step"),
        (["--profile", "no/such/folder/profile.json"], "cannot be written"),
    ],
)
def test_usage(
    commands: Commands, ims: Ims, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Wrong usage is answered with one sentence, before any call."""
    try:
        ran = commands("probe", *arguments, **environ(ims))
        code, text = ran.code, ran.err
    except SystemExit as ended:
        code, text = int(str(ended.code)), capsys.readouterr().err
    assert code == 2
    assert said in text
    assert ims.calls() == []


def test_tables(profile: Path, ims: Ims) -> None:
    """The steps of the help are those that run; each switch is of one step, and is one of the emulator."""
    assert command.STEPS == steps.NAMES
    assert sorted(name for step in steps.STEPS for name in step.switches) == sorted(SWITCHES)
    assert SWITCHES.keys() == {*SETTINGS, *TRACES}
    fitting = [
        SWITCHES[name].fits(value) for name, values in {**SETTINGS, **TRACES}.items() for value in values
    ]
    assert all(fitting)
    image_id = Draw.by_chance(4)._replace(status="active").build(ims)
    probed: Probed = run_probe(ims.url, profile, image_id)
    assert set(probed.profile["not_observed"].values()) <= REASONS.keys()
    assert probed.profile["cloud"].keys() | probed.profile["not_observed"].keys() == SWITCHES.keys()
