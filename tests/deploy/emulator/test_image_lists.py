"""The IMS emulator lists images: filters, order, pages, and who sees which."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.processes.emulator import Ims

UNKNOWN = "62a15f6c-9197-44d2-89c7-708981c1bec1"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
EXTENDED, NATIVE = "/v2/cloudimages", "/v2/images"


def at(seconds: float) -> str:
    """A moment of the lists, so many seconds after the start."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer(ims: Ims, path: str = EXTENDED, **query: Any) -> dict[str, Any]:
    response = ims.api("GET", path, params=query)
    assert response.status_code == 200, response.text
    return dict(response.json())


def names(ims: Ims, path: str = EXTENDED, **query: Any) -> list[str]:
    return [image["name"] for image in answer(ims, path, **query)["images"]]


def put(ims: Ims, *images: str, **given: Any) -> list[str]:
    """Images of these names, a second apart; their ids."""
    first = START.timestamp()
    return ims.images(
        [
            {"created_at": first + second, **given, "attributes": {"name": name}}
            for second, name in enumerate(images)
        ]
    )


@pytest.fixture
def scene(ims: Ims) -> Ims:
    """Images that differ in what can be asked for; `a` is the oldest."""
    first, other = START.timestamp(), OTHER_PROJECT
    special = {
        "min_ram": 1024,
        "__system__cmkid": "k1",
        "__whole_image": "true",
        "virtual_env_type": "DataImage",
        "__support_kvm": "true",
        "enterprise_project_id": UNKNOWN,
        "__isregistered": "True",
        "protected": True,
        "disk_format": "qcow2",
        "architecture": "arm",
    }
    images: list[dict[str, Any]] = [
        {"id": UNKNOWN, "attributes": {"name": "a"} | special, "tags": {"a.b": "1", "team": ""}},
        {"attributes": {"name": "b"}, "status": "queued"},
        {"attributes": {"name": "c"}, "public": True, "project_id": other},
        {"attributes": {"name": "d"}, "members": {other: "accepted"}},
        {"attributes": {"name": "e"}, "members": {ims.project_id: "accepted"}, "project_id": other},
        {"attributes": {"name": "f"}, "members": {ims.project_id: "pending"}, "project_id": other},
        {"attributes": {"name": "g"}, "project_id": other},
    ]
    ims.images([{"created_at": first + second + 0.25, **image} for second, image in enumerate(images)])
    return ims


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, "edcba", id="none"),
        pytest.param({"id": UNKNOWN}, "a", id="id"),
        pytest.param({"id": UNKNOWN.replace("6", "7")}, "", id="unknown id"),
        pytest.param({"name": "b"}, "b", id="name"),
        pytest.param({"name": "B"}, "", id="name in another case"),
        pytest.param({"status": "queued"}, "b", id="status"),
        pytest.param({"owner": Ims.project_id}, "dba", id="owner"),
        pytest.param({"owner": OTHER_PROJECT}, "ec", id="other owner"),
        pytest.param({"__imagetype": "gold", "visibility": "public", "protected": "true"}, "c", id="public"),
        pytest.param({"__imagetype": "private"}, "ba", id="private"),
        pytest.param({"__imagetype": "shared"}, "ed", id="shared"),
        pytest.param({"visibility": "private"}, "ba", id="private visibility"),
        pytest.param({"visibility": "shared"}, "ed", id="shared visibility"),
        pytest.param({"member_status": "pending", "visibility": "shared"}, "f", id="offered"),
        pytest.param({"member_status": "accepted", "visibility": "shared"}, "e", id="accepted"),
        pytest.param({"member_status": "rejected"}, "", id="rejected"),
        pytest.param({"tag": "a.b=1"}, "a", id="tag"),
        pytest.param({"tag": "team"}, "a", id="tag without a value"),
        pytest.param({"tag": "a=b=1"}, "", id="another tag"),
        pytest.param({"protected": "true"}, "ca", id="protected"),
        pytest.param({"protected": "false"}, "edb", id="not protected"),
        pytest.param({"__isregistered": "true"}, "edcba", id="registered in either case"),
        pytest.param({"__whole_image": "true"}, "a", id="whole"),
        pytest.param({"__whole_image": "false"}, "edcb", id="not whole"),
        pytest.param({"__system__cmkid": "k1"}, "a", id="key"),
        pytest.param({"virtual_env_type": "DataImage"}, "a", id="environment"),
        pytest.param({"__support_kvm": "true"}, "a", id="kvm"),
        pytest.param({"min_ram": 1024, "min_disk": 40}, "a", id="sizes"),
        pytest.param({"disk_format": "qcow2", "container_format": "bare"}, "a", id="formats"),
        pytest.param({"__os_type": "Linux", "__os_bit": "64", "__platform": "Other"}, "edcba", id="system"),
        pytest.param({"enterprise_project_id": UNKNOWN}, "a", id="enterprise project"),
        pytest.param({"enterprise_project_id": "0"}, "edcb", id="default enterprise project"),
        pytest.param({"enterprise_project_id": "all_granted_eps"}, "edcba", id="all enterprise projects"),
        pytest.param({"architecture": "arm"}, "a", id="architecture"),
        pytest.param({"created_at": f"gt:{at(1)}"}, "edc", id="after"),
        pytest.param({"created_at": f"gte:{at(1)}"}, "edcb", id="at or after"),
        pytest.param({"created_at": f"lt:{at(1)}"}, "a", id="before"),
        pytest.param({"updated_at": f"lte:{at(1)}"}, "ba", id="at or before"),
        pytest.param({"created_at": f"eq:{at(1).replace('T', ' ').rstrip('Z')}"}, "b", id="at"),
        pytest.param({"created_at": f"neq:{at(1)}"}, "edca", id="not at"),
        pytest.param({"sort_key": "created_at", "sort_dir": "asc"}, "abcde", id="oldest first"),
        pytest.param({"sort_key": "name"}, "edcba", id="by name"),
        pytest.param({"sort_key": "status", "sort_dir": "asc"}, "acdeb", id="by status"),
        pytest.param({"tag": "a.b=1", "name": "b"}, "", id="all filters together"),
    ],
)
@pytest.mark.parametrize("path", [EXTENDED, NATIVE])
def test_images_are_found_by_filters(scene: Ims, path: str, query: dict[str, str], expected: str) -> None:
    """Every filter has to fit; nothing found is an empty list, not an error."""
    assert names(scene, path, **query) == list(expected)


@pytest.mark.parametrize(
    "query",
    [
        {"created_at": at(0)},
        {"created_at": "gte:yesterday"},
        {"created_at": "gte:2026-13-05T10:00:00Z"},
        {"sort_key": "updated_at"},
        {"sort_dir": "up"},
        {"limit": "many"},
        {"limit": "-1"},
        {"tag": ["a=1", "b=2"]},
    ],
    ids=str,
)
def test_a_wrong_query_is_refused(ims: Ims, query: dict[str, Any]) -> None:
    """An answer to another question would be worse."""
    response = ims.api("GET", EXTENDED, params=query)

    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0001")


def test_a_filter_that_is_not_emulated_is_not_ignored(ims: Ims) -> None:
    """A wrong list would be worse than none: 501 names what is missing."""
    response = ims.api("GET", EXTENDED, params={"flavor_id": "s2.large.2"})

    assert response.status_code == 501
    assert "flavor_id" in response.text


def test_changing_tags_updates_an_image(ims: Ims) -> None:
    """So those that were worked on can be asked for."""
    first, second = put(ims, "a", "b", tags={"env": "prod"})

    ims.api("PUT", "/v1/cloudimages/tags", json={"image_id": first, "tag": "team.web"})

    assert names(ims, updated_at=f"gt:{at(60)}") == ["a"]
    ims.api("DELETE", f"/v2/{ims.project_id}/images/{second}/tags/env")
    assert names(ims, updated_at=f"gt:{at(60)}") == ["b", "a"]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_marker_and_a_limit_page_through_all(ims: Ims, direction: str) -> None:
    """`marker` is the id that the page before ended with, and after the last page comes an empty one."""
    put(ims, *"abcde")

    pages, marker = [], None
    while page := answer(ims, limit=2, marker=marker, sort_dir=direction)["images"]:
        pages.append("".join(image["name"] for image in page))
        marker = page[-1]["id"]

    assert pages == (["ab", "cd", "e"] if direction == "asc" else ["ed", "cb", "a"])


def test_a_page_has_500_images_by_default_and_25_natively(ims: Ims) -> None:
    """As documented."""
    put(ims, *map(str, range(501)))

    assert [len(names(ims)), len(names(ims, NATIVE)), len(names(ims, limit=501))] == [500, 25, 501]


def test_the_marker_of_a_deleted_image_is_refused(ims: Ims) -> None:
    """With 400, as Glance does."""
    ids = put(ims, *"abc")
    ims.api("DELETE", f"/v2/images/{ids[1]}")

    response = ims.api("GET", EXTENDED, params={"marker": ids[1]})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0027")


def test_page_info_is_a_setting(ims: Ims) -> None:
    """One cloud publishes the marker of the next page, the other does not; the last page has none."""
    ids = put(ims, *"abc")
    assert answer(ims, limit=2).keys() == {"images"}

    ims.settings(page_info=True)

    assert answer(ims, limit=2)["page_info"] == {"next_marker": ids[1]}
    assert answer(ims, limit=2, marker=ids[1]).keys() == {"images"}


def test_the_native_list_links_its_pages(ims: Ims) -> None:
    """`first` and `next` keep the query, and the last page has no `next`."""
    put(ims, *"abc")

    first = answer(ims, NATIVE, limit=2, sort_dir="asc")
    last = answer(ims, first["next"])

    assert first["first"] == last["first"] == "/v2/images?limit=2&sort_dir=asc"
    assert re.fullmatch(r"/v2/images\?limit=2&sort_dir=asc&marker=[0-9a-f-]{36}", first["next"])
    assert first["schema"] == "/v2/schemas/images"
    assert ([image["name"] for image in last["images"]], "next" in last) == (["c"], False)


def test_an_image_that_is_shared_is_shown_but_not_changed_by_others(ims: Ims) -> None:
    """Its tags are those of its owner, and so is the right to delete it."""
    [image_id] = put(
        ims, "a", project_id=OTHER_PROJECT, members={ims.project_id: "accepted"}, tags={"a": "1"}
    )
    path = f"/v2/images/{image_id}"

    shown = ims.api("GET", path).json()

    assert (shown["visibility"], shown["__imagetype"], shown["tags"]) == ("shared", "shared", ["a=1"])
    assert ims.api("DELETE", path).status_code == 403
    refused = ims.api("PUT", "/v1/cloudimages/tags", json={"image_id": image_id, "tag": "b.2"})
    assert refused.json()["error"]["code"] == "IMG.0106"


def test_ten_thousand_images_are_made_in_one_call_and_paged(ims: Ims) -> None:
    """Each of them once."""
    put(ims, *map(str, range(10_000)))

    seen, marker = [], None
    while page := answer(ims, limit=500, marker=marker, owner=ims.project_id, sort_dir="asc")["images"]:
        seen += [image["name"] for image in page]
        marker = page[-1]["id"]

    assert seen == [str(number) for number in range(10_000)]
