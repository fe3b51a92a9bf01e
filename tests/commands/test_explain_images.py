"""`explain` where the table reads what IMS says of an image and of the one that it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import ID
from tests.processes.commands import Commands, fits

PARENT = "67437ebd-2563-46e0-887e-ad1923977fa1"
LINEAGE = """
[[rule]]
name = "owner"
when.ims.__os_type = ["Linux"]
tags.owner = "{{ parent.tags.owner }}"
[[rule]]
name = "copied"
when.parent.id = [{ exists = true }]
tags.copied = "yes"
[[rule]]
name = "kept"
tags.team = { value = "a", on_existing = "keep" }
"""


@pytest.fixture
def described(commands: Commands, tmp_path: Path, event: str) -> Any:
    """Explains the event under the table with these images; the facts of its image, and the text."""

    def described(*images: dict[str, Any], event: str = event, table: str = LINEAGE) -> tuple[Any, str]:
        path = tmp_path / "mine.toml"
        path.write_text(table)
        options = list[Any]()
        for number, image in enumerate(images):
            file = tmp_path / f"{number}.json"
            file.write_text(json.dumps(image))
            options += ["--image", file]
        facts = commands("explain", event, "--rules", path, *options, "--json")
        shown = commands("explain", event, "--rules", path, *options)
        assert fits(shown.out)
        [image] = facts.json["files"][0]["events"][0]["images"]
        return image, " ".join(shown.out.split())

    return described


IMAGE = {"id": ID, "__os_type": "Linux", "__originalimagename": PARENT, "tags": ["team=b"]}
PARENT_IMAGE = {"id": PARENT, "name": "base", "tags": ["owner=jane", "cost=1"]}


def test_the_image_and_its_parent(described: Any) -> None:
    """Given both, in either order, the rules see both, and the image's own tags are known."""
    for images in ([IMAGE, PARENT_IMAGE], [PARENT_IMAGE, IMAGE]):
        image, shown = described(*images)
        assert image["tags"] == {"owner": "jane", "copied": "yes"}
        assert image["fetched"]["parent"]["tags"] == {"owner": "jane", "cost": "1"}
        assert image["unknown"] == []
        assert [call["path"] for call in image["calls"] if call["method"] == "GET"] == [
            f"/v2/images/{ID}",
            f"/v2/images/{PARENT}",
        ]
        assert 'ims.__os_type "Linux"' in shown
        assert 'parent.tags.owner "jane"' in shown
        assert "the image has a tag of this key, and the rule keeps it" in shown


def test_without_an_image(described: Any) -> None:
    """What would be fetched is named, and the option that gives it; the call is shown once."""
    image, shown = described()
    assert (image["tags"], image["fetched"], image["unknown"]) == ({"team": "a"}, {}, ["ims", "parent"])
    assert "ims would be fetched; give the JSON of the image with --image FILE" in shown
    assert "parent would be fetched; give the JSON of the image that it was made from with --image" in shown
    assert [call["path"] for call in image["calls"] if call["method"] == "GET"] == [f"/v2/images/{ID}"]


def test_without_the_parent(described: Any) -> None:
    """An image that names a parent whose JSON nobody gives."""
    image, shown = described(IMAGE)
    assert (image["tags"], image["unknown"]) == ({}, ["parent"])
    assert image["fetched"].keys() == {"ims"}
    assert "parent would be fetched" in shown


def test_an_image_without_a_parent(described: Any) -> None:
    """That is known, and no call is made for it."""
    image, shown = described({name: value for name, value in IMAGE.items() if name != "__originalimagename"})
    assert (image["tags"], image["fetched"]["parent"], image["unknown"]) == ({}, None, [])
    assert "parent none in this region" in shown
    assert sum(call["method"] == "GET" for call in image["calls"]) == 1


def test_an_image_of_another_id(described: Any, tmp_path: Path) -> None:
    """The first stands for it, as for the image of a job, which nobody can ask for here."""
    path = tmp_path / "trace.json"
    trace = {"trace_name": "copyImage", "service_type": "IMS", "resource_type": "ims", "project_id": "0" * 32}
    path.write_text(json.dumps({"cts": trace | {"response": {"job_id": "1"}}}))

    image, _ = described(IMAGE | {"id": PARENT[::-1]}, PARENT_IMAGE, event=str(path))

    assert image["tags"] == {"owner": "jane", "copied": "yes"}


def test_only_what_rules_mention_is_shown(described: Any) -> None:
    """A table that mentions neither fetches nothing, and says nothing of it."""
    image, shown = described(IMAGE, table='[[rule]]\ntags.a = "1"\n')
    assert (image["fetched"], image["unknown"]) == ({}, [])
    assert "fetched" not in shown
    assert [call["method"] for call in image["calls"]] == ["PUT"]


def test_an_event_that_fills_in(described: Any, tmp_path: Path) -> None:
    """It says so, and leaves out what the image has."""
    path = tmp_path / "again.json"
    content = {"specversion": "1.0", "id": "1", "source": "/x", "type": "image.created", "subject": ID}
    path.write_text(json.dumps(content | {"tagfillin": True}))
    table = '[[rule]]\ntags.team = "a"\ntags.env = "test"\n'

    image, shown = described(IMAGE, event=str(path), table=table)

    assert (image["fills_in"], image["tags"]) == (True, {"env": "test"})
    assert "fills in writes a tag only where the image has none of that key" in shown
    assert "left out: the image has a tag of this key, and the event only fills in" in shown


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"\xff", "it is not JSON in UTF-8", id="no text"),
        pytest.param(b"{", "it is not JSON in UTF-8", id="no JSON"),
        pytest.param(b"[]", "it is the JSON object that GET /v2/images/IMAGE_ID answers", id="no object"),
        pytest.param(None, "cannot be read: No such file or directory", id="no file"),
    ],
)
def test_a_file_without_an_image(
    commands: Commands, tmp_path: Path, event: str, content: bytes | None, fault: str
) -> None:
    """Wrong usage, in one sentence."""
    path = tmp_path / "image.json"
    if content is not None:
        path.write_bytes(content)
    ran = commands("explain", event, "--image", path)
    assert ran.code == 2
    said = " ".join(ran.err.split())
    assert (said.count("error: "), fault in said) == (1, True)
