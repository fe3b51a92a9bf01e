"""The IMS emulator says what the documentation of IMS says."""

import json
from typing import Any

import pytest
import requests

from deploy.local.ims.state import UUID, Cloud, Image, Settings
from tests.deploy.emulator.conftest import ADD, OTHER_PROJECT, add, create
from tests.processes.emulator import Ims

UNKNOWN = "62a15f6c-9197-44d2-89c7-708981c1bec1"


def code(response: requests.Response) -> str:
    """The code of an IMS error, whose body has to have the documented form."""
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "code"}
    assert error["message"]
    return str(error["code"])


# --- PUT /v1/cloudimages/tags


@pytest.mark.parametrize(
    ("form", "tags"),
    [
        pytest.param({"image_tag": {"key": "key1", "value": "value1"}}, {"key1": "value1"}, id="pair"),
        pytest.param({"image_tag": {"key": "key1", "value": ""}}, {"key1": ""}, id="pair with empty value"),
        pytest.param({"tag": "aaaa.1111"}, {"aaaa": "1111"}, id="text"),
        pytest.param({"tag": "aaaa."}, {"aaaa": ""}, id="text with empty value"),
        pytest.param({"tag": "aaaa"}, {"aaaa": ""}, id="text without a dot"),
    ],
)
def test_a_tag_is_written_in_either_form(ims: Ims, form: dict[str, Any], tags: dict[str, str]) -> None:
    """A valid tag is answered 204 without a body, and is there afterwards."""
    image_id = ims.image()

    response = ims.api("PUT", ADD, json={"image_id": image_id} | form)

    assert (response.status_code, response.content) == (204, b"")
    assert ims.tags(image_id) == tags


def test_the_value_of_a_key_that_is_there_is_overwritten(ims: Ims) -> None:
    """The call adds a tag or changes its value."""
    image_id = ims.image(tags={"env": "test", "team": "a"})

    assert add(ims, image_id, "env", "prod").status_code == 204
    assert ims.tags(image_id) == {"env": "prod", "team": "a"}


def test_an_eleventh_key_is_refused_but_an_overwritten_one_is_not(ims: Ims) -> None:
    """An image has ten tags at most, and changing one of them needs no further room."""
    full = {f"key{number}": "" for number in range(10)}
    image_id = ims.image(tags=full)

    assert code(add(ims, image_id, "key10", "")) == "IMG.0116"
    assert add(ims, image_id, "key9", "new").status_code == 204
    assert ims.tags(image_id) == full | {"key9": "new"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("", "value", id="empty key"),
        pytest.param("k" * 37, "value", id="37 characters in the key"),
        pytest.param("key", "v" * 44, id="44 characters in the value"),
        pytest.param("a.b", "value", id="dot in the key"),
        pytest.param("key", "a.b", id="dot in the value"),
        pytest.param("a b", "value", id="space"),
        pytest.param("key", "ä", id="not ASCII"),
        pytest.param("key\n", "value", id="line end"),
    ],
)
def test_an_invalid_tag_is_refused(ims: Ims, key: str, value: str) -> None:
    """What no published variant of IMS accepts is IMG.0115, and nothing is written."""
    image_id = ims.image()

    assert code(add(ims, image_id, key, value)) == "IMG.0115"
    assert ims.tags(image_id) == {}


@pytest.mark.parametrize(
    ("limits", "key", "value", "written"),
    [
        pytest.param("common", "k" * 36, "v" * 43, ("k" * 36, "v" * 43), id="common, as long as can be"),
        pytest.param("otc", " a=b ", " c d ", ("a=b", "c d"), id="otc, spaces at the ends go"),
        pytest.param("huawei", "key", "1.2.3", ("key", "1.2.3"), id="huawei, dots in values"),
        pytest.param(
            "huawei-cn-new", "k" * 128, "v/" * 127, ("k" * 128, "v/" * 127), id="huawei-cn-new, long"
        ),
        pytest.param("huawei-cn-new", "环境", "a:b@c d", ("环境", "a:b@c d"), id="huawei-cn-new, Chinese"),
    ],
)
def test_each_variant_accepts_its_own_tags(
    ims: Ims, limits: str, key: str, value: str, written: tuple[str, str]
) -> None:
    """The limits of tags are a setting, named for the published variants."""
    ims.settings(limits=limits)
    image_id = ims.image()

    assert add(ims, image_id, key, value).status_code == 204
    assert ims.tags(image_id) == dict([written])


@pytest.mark.parametrize(
    ("limits", "form"),
    [
        pytest.param("otc", {"tag": "a.b.c"}, id="otc, dot in the value of the text form"),
        pytest.param("otc", {"image_tag": {"key": "k" * 37, "value": ""}}, id="otc, long key"),
        pytest.param("otc", {"image_tag": {"key": "  ", "value": ""}}, id="otc, key of spaces"),
        pytest.param("huawei", {"image_tag": {"key": "a.b", "value": ""}}, id="huawei, dot in the key"),
        pytest.param(
            "huawei-cn-new", {"image_tag": {"key": " a", "value": ""}}, id="huawei-cn-new, space first"
        ),
        pytest.param(
            "huawei-cn-new", {"image_tag": {"key": "a", "value": "b "}}, id="huawei-cn-new, space last"
        ),
        pytest.param(
            "huawei-cn-new", {"image_tag": {"key": "a/b", "value": ""}}, id="huawei-cn-new, slash in key"
        ),
    ],
)
def test_each_variant_refuses_what_it_does_not_list(ims: Ims, limits: str, form: dict[str, Any]) -> None:
    """Where variants differ, each refuses with IMG.0115 what only another accepts."""
    ims.settings(limits=limits)

    assert code(ims.api("PUT", ADD, json={"image_id": ims.image()} | form)) == "IMG.0115"


def test_the_text_form_ends_its_key_at_the_first_dot(ims: Ims) -> None:
    """Huawei Cloud: everything behind the first dot is the value, further dots included."""
    ims.settings(limits="huawei")
    image_id = ims.image()

    assert ims.api("PUT", ADD, json={"image_id": image_id, "tag": "version.1.2"}).status_code == 204
    assert ims.tags(image_id) == {"version": "1.2"}


TAG = {"image_tag": {"key": "k", "value": "v"}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("", "IMG.0007", id="no body"),
        pytest.param("{", "IMG.0001", id="not JSON"),
        pytest.param("[" * 100_000, "IMG.0001", id="nested without end"),
        pytest.param("[]", "IMG.0001", id="no object"),
        pytest.param(json.dumps(TAG), "IMG.0001", id="no image_id"),
        pytest.param(json.dumps(TAG | {"image_id": 1}), "IMG.0001", id="image_id is a number"),
        pytest.param(json.dumps({"image_id": UNKNOWN}), "IMG.0001", id="neither form"),
        pytest.param(json.dumps(TAG | {"image_id": UNKNOWN, "tag": "k.v"}), "IMG.0001", id="both forms"),
        pytest.param(json.dumps(TAG | {"image_id": "../1"}), "IMG.0066", id="image_id is no UUID"),
        pytest.param(json.dumps(TAG | {"image_id": UNKNOWN}), "IMG.0027", id="unknown image"),
    ],
)
def test_a_malformed_request_is_refused(ims: Ims, body: str, expected: str) -> None:
    """Every misuse has its documented code, with status 400."""
    assert code(ims.api("PUT", ADD, data=body)) == expected


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(None, id="null"),
        pytest.param({"key": "k"}, id="no value"),
        pytest.param("k.v", id="text"),
    ],
)
def test_a_pair_has_key_and_value(ims: Ims, tag: object) -> None:
    """Both members of `image_tag` are mandatory texts."""
    assert code(ims.api("PUT", ADD, json={"image_id": ims.image(), "image_tag": tag})) == "IMG.0001"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"project_id": OTHER_PROJECT}, "IMG.0106", id="of another project"),
        pytest.param({"public": True}, "IMG.0083", id="public"),
        pytest.param({"status": "killed"}, "IMG.0046", id="killed"),
    ],
)
def test_only_ones_own_images_can_be_tagged(ims: Ims, given: dict[str, Any], expected: str) -> None:
    """Public images, those of others and broken ones take no tags."""
    image_id = ims.image(**given)

    assert code(add(ims, image_id, "k", "v")) == expected
    assert ims.tags(image_id) == {}


# --- tokens


def test_no_or_an_unknown_token_is_refused_by_the_gateway(ims: Ims) -> None:
    """The gateway answers 401 in its own form, which names the request."""
    for response in (
        ims.api("GET", "/v2/cloudimages", token="wrong"),
        requests.get(ims.url + "/v2/cloudimages", timeout=5),
    ):
        body = response.json()
        assert (response.status_code, body["error_code"]) == (401, "APIG.0301")
        assert body.keys() == {"error_msg", "error_code", "request_id"}
        assert body["request_id"] == response.headers["X-Request-Id"]


def test_an_expired_token_has_to_be_renewed(ims: Ims) -> None:
    """APIG.0307 until the token is valid again; a dropped one is unknown."""
    ims.put_token("second", expired=True)
    expired = ims.api("GET", "/v2/cloudimages", token="second")
    ims.put_token("second")
    valid = ims.api("GET", "/v2/cloudimages", token="second")
    ims.drop_token("second")
    dropped = ims.api("GET", "/v2/cloudimages", token="second")

    assert (expired.status_code, expired.json()["error_code"]) == (401, "APIG.0307")
    assert valid.status_code == 200
    assert dropped.json()["error_code"] == "APIG.0301"


def test_a_token_stands_for_its_project(ims: Ims) -> None:
    """The credentials alone decide which project a call is about."""
    image_id = ims.image(project_id=OTHER_PROJECT)
    ims.put_token("second", project_id=OTHER_PROJECT)

    body = {"image_id": image_id, "tag": "a.b"}
    assert ims.api("PUT", ADD, token="second", json=body).status_code == 204
    assert code(ims.api("PUT", ADD, json=body)) == "IMG.0106"


def test_an_unknown_api_is_answered_by_the_gateway(ims: Ims) -> None:
    """An unknown path or method is 404 with APIG.0101, and has a request id like every reply."""
    for method, path in (("GET", "/v9/nothing"), ("PATCH", ADD)):
        response = ims.api(method, path)
        assert (response.status_code, response.json()["error_code"]) == (404, "APIG.0101")
        assert response.headers["X-Request-Id"]


# --- the v2 calls about tags


def v2(image_id: str, rest: str = "", project_id: str = Ims.project_id) -> str:
    return f"/v2/{project_id}/images/{image_id}/tags{rest}"


def test_tags_are_added_listed_and_deleted_one_by_one(ims: Ims) -> None:
    """The v2 calls read and write the same tags; deleting a key twice is 404."""
    path = v2(ims.image())

    assert ims.api("POST", path, json={"tag": {"key": "a", "value": "1"}}).status_code == 204
    assert ims.api("GET", path).json() == {"tags": [{"key": "a", "value": "1"}]}
    assert ims.api("DELETE", path + "/a").status_code == 204
    assert ims.api("DELETE", path + "/a").status_code == 404
    assert ims.api("GET", path).json() == {"tags": []}


def test_a_batch_adds_overwrites_and_deletes(ims: Ims) -> None:
    """Deleting needs no value, and what is not there counts as deleted."""
    image_id = ims.image(tags={"a": "old", "b": ""})
    path = v2(image_id, "/action")

    create = {"action": "create", "tags": [{"key": "a", "value": "new"}, {"key": "c", "value": ""}]}
    assert ims.api("POST", path, json=create).status_code == 204
    assert ims.tags(image_id) == {"a": "new", "b": "", "c": ""}
    delete = {"action": "delete", "tags": [{"key": "a"}, {"key": "never there, key of any form"}]}
    assert ims.api("POST", path, json=delete).status_code == 204
    assert ims.tags(image_id) == {"b": "", "c": ""}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"action": "CREATE", "tags": [{"key": "k", "value": ""}]}, "IMG.0001", id="case of action"
        ),
        pytest.param(
            {"action": ["create"], "tags": [{"key": "k", "value": ""}]}, "IMG.0001", id="action is a list"
        ),
        pytest.param({"action": "create", "tags": []}, "IMG.0001", id="no tags"),
        pytest.param({"action": "create", "tags": [{"key": "k"}]}, "IMG.0001", id="create without value"),
        pytest.param(
            {"action": "create", "tags": [{"key": "k", "value": ""}] * 2}, "IMG.0115", id="key twice"
        ),
        pytest.param({"action": "delete", "tags": [{"key": "k" * 128}]}, "IMG.0115", id="long key to delete"),
    ],
)
def test_a_wrong_batch_is_refused(ims: Ims, body: dict[str, Any], expected: str) -> None:
    """The action is case-sensitive, keys are unique within the request, lengths are checked."""
    assert code(ims.api("POST", v2(ims.image(), "/action"), json=body)) == expected


def test_a_batch_with_one_invalid_tag_writes_none(ims: Ims) -> None:
    """All or nothing."""
    image_id = ims.image()
    tags = [{"key": "good", "value": ""}, {"key": "not good", "value": ""}]

    response = ims.api("POST", v2(image_id, "/action"), json={"action": "create", "tags": tags})

    assert code(response) == "IMG.0115"
    assert ims.tags(image_id) == {}


def test_the_project_in_the_path_is_the_callers(ims: Ims) -> None:
    """Another project in the path than that of the token is refused."""
    assert code(ims.api("GET", v2(ims.image(), project_id=OTHER_PROJECT))) == "IMG.0067"


def test_a_created_image_is_queued_and_belongs_to_the_caller(ims: Ims) -> None:
    """The answer to the create call is the image, with what was given and what IMS adds."""
    image = create(ims, name="web-base", __os_type="Linux", tags=["env=prod", "x"])

    assert UUID.fullmatch(image["id"])
    expected = {"name": "web-base", "status": "queued", "owner": ims.project_id, "__os_type": "Linux"}
    assert expected.items() <= image.items()
    assert image["tags"] == ["env=prod", "x"]
    assert image["created_at"].endswith("Z")
    assert ims.tags(image["id"]) == {"env": "prod", "x": ""}


def test_an_image_becomes_active_with_time() -> None:
    """Queued for half of the time, then saving, then active."""
    moments = [1000, 1029, 1030, 1059, 1060]
    cloud = Cloud([], clock=iter(moments).__next__)
    cloud.settings = Settings(active_after=60)
    image = Image("i", "p", created_at=1000, attributes={})

    assert [cloud.status(image) for _ in moments] == ["queued", "queued", "saving", "saving", "active"]


def test_tagging_before_active_is_a_setting(ims: Ims) -> None:
    """Whether IMS tags an image that is not active yet is not published, so both can be had."""
    ims.settings(active_after=3600)
    image_id = create(ims, name="a")["id"]

    assert add(ims, image_id, "k", "v").status_code == 204
    ims.settings(taggable_before_active=False)
    assert code(add(ims, image_id, "k", "w")) == "IMG.0046"
    ims.settings(active_after=0)
    assert add(ims, image_id, "k", "w").status_code == 204


def test_an_image_is_shown_and_deleted(ims: Ims) -> None:
    """After 204 it is not found any more; a protected one stays."""
    path = f"/v2/images/{create(ims, name='a')['id']}"

    shown = ims.api("GET", path)
    assert (shown.status_code, shown.json()["status"]) == (200, "active")
    assert ims.api("DELETE", path).status_code == 204
    assert ims.api("GET", path).status_code == 404
    protected = f"/v2/images/{create(ims, protected=True)['id']}"
    assert code(ims.api("DELETE", protected)) == "IMG.0028"


def test_images_of_others_are_not_visible_and_public_ones_stay(ims: Ims) -> None:
    """One sees one's own images and public ones, and deletes one's own."""
    foreign, public = ims.image(project_id=OTHER_PROJECT), ims.image(public=True)

    assert ims.api("GET", f"/v2/images/{foreign}").status_code == 404
    assert ims.api("GET", f"/v2/images/{public}").json()["__imagetype"] == "gold"
    assert ims.api("DELETE", f"/v2/images/{public}").status_code == 403
    listed = [image["id"] for image in ims.api("GET", "/v2/cloudimages").json()["images"]]
    assert listed == [public]


def test_the_tags_of_all_images_are_listed_flat(ims: Ims) -> None:
    """Each tag of the caller's images once, as `key.value`; without a value as its key."""
    ims.image(tags={"a": "1", "b": ""})
    ims.image(tags={"a": "1", "c": "3"})
    ims.image(tags={"d": "4"}, project_id=OTHER_PROJECT)

    response = ims.api("GET", ADD)

    assert response.status_code == 200
    assert sorted(response.json()["tags"]) == ["a.1", "b", "c.3"]
