"""The IMS emulator judged by the vendor's own client, huaweicloudsdkims.

In a module of its own, since importing the client takes about half a second.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import huaweicloudsdkims.v2 as sdk
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException

from handlers.core.ims.tags import Tag
from tests.processes.emulator import Ims
from tests.support.tag_api import api_at

UNKNOWN = "62a15f6c-9197-44d2-89c7-708981c1bec1"


@pytest.fixture
def connect(ims: Ims) -> Iterator[Callable[[str], Any]]:
    """Clients that send a token.

    The client only knows access keys and signs with them, which the emulator does not look at beside a
    token. That goes into the headers that the client presets for all calls.
    """
    with ExitStack() as ends:

        def connected(token: str) -> Any:
            keys = BasicCredentials("access-key", "secret-key", ims.project_id)
            client = sdk.ImsClient.new_builder().with_credentials(keys).with_endpoint(ims.url).build()
            client.preset_headers["X-Auth-Token"] = token
            http = client.get_http_client()
            ends.callback(http.executor.shutdown)
            ends.callback(http.close)
            return client

        yield connected


@pytest.fixture
def client(connect: Callable[[str], Any]) -> Any:
    return connect(Ims.token)


def put(image_id: str, **form: Any) -> Any:
    body = sdk.AddOrUpdateTagsRequestBody(image_id=image_id, **form)
    return sdk.CreateOrUpdateTagsRequest(body=body)


def test_the_client_adds_tags_in_both_forms(ims: Ims, client: Any) -> None:
    """The client's call is understood, and its 204 without a body is what the client expects."""
    image_id = ims.image()

    first = client.create_or_update_tags(put(image_id, tag="env.prod"))
    client.create_or_update_tags(put(image_id, image_tag=sdk.ImageTag(key="team", value="")))

    assert first.status_code == 204
    assert ims.tags(image_id) == {"env": "prod", "team": ""}


def test_the_client_lists_tags(ims: Ims, client: Any) -> None:
    """Of one image as pairs, of all images as flat texts."""
    image_id = ims.image(tags={"env": "prod", "team": ""})

    pairs = client.list_image_tags(sdk.ListImageTagsRequest(image_id=image_id)).tags
    flat = client.list_tags(sdk.ListTagsRequest()).tags

    assert {pair.key: pair.value for pair in pairs} == {"env": "prod", "team": ""}
    assert sorted(flat) == ["env.prod", "team"]


def test_the_client_changes_tags_by_the_other_calls(ims: Ims, client: Any) -> None:
    """One, a batch, and deletion."""
    image_id = ims.image()
    one = sdk.AddImageTagRequestBody(tag=sdk.ResourceTag(key="a", value="1"))
    batch = sdk.BatchAddOrDeleteTagsRequestBody(
        action="create", tags=[sdk.ResourceTag(key="b", value="2"), sdk.ResourceTag(key="c", value="")]
    )

    client.add_image_tag(sdk.AddImageTagRequest(image_id=image_id, body=one))
    client.batch_add_or_delete_tags(sdk.BatchAddOrDeleteTagsRequest(image_id=image_id, body=batch))
    client.delete_image_tag(sdk.DeleteImageTagRequest(image_id=image_id, key="c"))

    assert ims.tags(image_id) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("tag_form", ["image_tag", "tag", "batch"])
def test_the_function_writes_tags_as_the_client_does(ims: Ims, client: Any, tag_form: str) -> None:
    """The same call: method, path, query, type of content, whose case does not count, and JSON."""
    image_id, tags = ims.image(), [Tag("a", "1"), Tag("b", "")]
    if tag_form == "batch":
        body = sdk.BatchAddOrDeleteTagsRequestBody(
            action="create", tags=[sdk.ResourceTag(key, value) for key, value in tags]
        )
        client.batch_add_or_delete_tags(sdk.BatchAddOrDeleteTagsRequest(image_id=image_id, body=body))
    for key, value in tags * (tag_form == "image_tag"):
        client.create_or_update_tags(put(image_id, image_tag=sdk.ImageTag(key, value)))
    for key, value in tags * (tag_form == "tag"):
        client.create_or_update_tags(put(image_id, tag=f"{key}.{value}"))
    theirs = ims.calls()

    writing = api_at(ims.url, tag_form=tag_form).add_tags(
        ims.project_id, image_id, tags, time.monotonic() + 5
    )

    def said(call: dict[str, Any]) -> tuple[Any, ...]:
        told = (call["method"], call["path"], call["query"], call["headers"]["Content-Type"].lower())
        return *told, json.loads(call["body"])

    assert not writing.failed
    assert [said(call) for call in ims.calls()[len(theirs) :]] == [said(call) for call in theirs]
    assert theirs


def test_the_client_creates_finds_and_reads_images(ims: Ims, client: Any) -> None:
    """What the client makes of an image has the names and types of its own model."""
    body = sdk.GlanceCreateImageMetadataRequestBody(name="web-base", tags=["env=prod"], min_disk=40)

    created = client.glance_create_image_metadata(sdk.GlanceCreateImageMetadataRequest(body=body))
    [listed] = client.list_images(sdk.ListImagesRequest(id=created.id, tag="env=prod")).images
    with pytest.deprecated_call():
        shown = client.glance_show_image(sdk.GlanceShowImageRequest(image_id=created.id))

    assert (created.status, created.owner, created.min_disk) == ("queued", ims.project_id, 40)
    assert (listed.id, listed.name, listed.imagetype) == (created.id, "web-base", "private")
    assert (shown.status, shown.tags) == ("active", ["env=prod"])


def show_job(client: Any, job_id: str) -> Any:
    # Deprecated in the client; the API reference documents the call without such a word.
    with pytest.deprecated_call():
        return client.show_job(sdk.ShowJobRequest(job_id=job_id))


def test_the_client_creates_an_image_and_follows_its_job(ims: Ims, client: Any) -> None:
    """The job as the client's model reads it, on its way and at its end."""
    ims.settings(active_after=3600)
    tags = [sdk.TagKeyValue(key="env", value="prod")]
    body = sdk.CreateImageRequestBody(name="web-base", instance_id=UNKNOWN, image_tags=tags)

    created = client.create_image(sdk.CreateImageRequest(body=body))
    begun = show_job(client, created.job_id)
    ims.settings(active_after=0)
    ended = show_job(client, created.job_id)

    assert (created.status_code, begun.status, begun.entities.image_id) == (200, "INIT", None)
    assert (ended.status, ended.job_id, ended.job_type) == (
        "SUCCESS",
        created.job_id,
        "imsCreateImageByInstance",
    )
    assert (ended.error_code, ended.entities.image_name) == (None, "web-base")
    [listed] = client.list_images(sdk.ListImagesRequest(id=ended.entities.image_id)).images
    assert (listed.status, listed.tags) == ("active", ["env=prod"])


def test_the_client_reads_a_job_of_several_images(ims: Ims, client: Any) -> None:
    """Each sub-job with its image."""
    disks = [sdk.CreateDataImage(name=name, volume_id=UNKNOWN, tags=["a.1"]) for name in ("data-1", "data-2")]
    body = sdk.CreateImageRequestBody(data_images=disks)

    created = client.create_image(sdk.CreateImageRequest(body=body))
    entities = show_job(client, created.job_id).entities

    assert entities.image_id is None
    assert [part.job_id for part in entities.sub_jobs_result] == entities.sub_jobs_list
    made = {part.entities.image_name: part.entities.image_id for part in entities.sub_jobs_result}
    assert made.keys() == {"data-1", "data-2"}
    assert [ims.tags(image_id) for image_id in made.values()] == [{"a": "1"}] * 2


def test_the_client_copies_an_image_within_a_region(ims: Ims, client: Any) -> None:
    """All fields of its request are understood, and the copy names its source in the client's own model."""
    source = ims.image(attributes={"name": "web-base"})
    body = sdk.CopyImageInRegionRequestBody(
        name="web-copy", description="a copy", cmk_id="k1", enterprise_project_id="0"
    )

    begun = client.copy_image_in_region(sdk.CopyImageInRegionRequest(image_id=source, body=body))
    job = show_job(client, begun.job_id)
    [copy] = client.list_images(sdk.ListImagesRequest(id=job.entities.image_id)).images

    assert (begun.status_code, job.status, job.job_type) == (200, "SUCCESS", "imsCopyImageInRegionJob")
    assert (copy.name, copy.description, copy.system__cmkid) == ("web-copy", "a copy", "k1")
    assert copy.enterprise_project_id == "0"
    assert (copy.data_origin, copy.originalimagename) == (f"image,eu-de,{source}", source)


def test_the_client_reads_that_an_image_cannot_be_copied(ims: Ims, client: Any) -> None:
    """As a refusal with a code of IMS."""
    request = sdk.CopyImageInRegionRequest(
        image_id=ims.image(public=True), body=sdk.CopyImageInRegionRequestBody(name="b")
    )

    with pytest.raises(ClientRequestException) as refused:
        client.copy_image_in_region(request)

    assert (refused.value.status_code, refused.value.error_code) == (400, "IMG.0083")


def test_the_client_reads_why_a_job_failed(ims: Ims, client: Any) -> None:
    """Code and reason are the job's own, since the query itself succeeds."""
    ims.settings(jobs_fail=True)

    job = show_job(client, ims.create("web-base"))

    assert (job.status_code, job.status, job.error_code) == (200, "FAIL", "IMG.0014")
    assert job.fail_reason


def test_the_client_reads_that_a_job_is_unknown(client: Any) -> None:
    """As a refusal with a code of IMS."""
    with pytest.raises(ClientRequestException) as refused:
        show_job(client, "0" * 32)

    assert (refused.value.status_code, refused.value.error_code) == (400, "IMG.0023")


@pytest.mark.parametrize(
    ("image_id", "form", "code"),
    [
        pytest.param(None, {"tag": "not valid"}, "IMG.0115", id="invalid tag"),
        pytest.param(UNKNOWN, {"tag": "k.v"}, "IMG.0027", id="unknown image"),
        pytest.param("x", {"tag": "k.v"}, "IMG.0066", id="no UUID"),
        pytest.param(None, {}, "IMG.0001", id="neither form"),
    ],
)
def test_the_client_reads_the_codes_of_ims(
    ims: Ims, client: Any, image_id: str | None, form: dict[str, str], code: str
) -> None:
    """The client's own exception carries status, code, message and the id of the request."""
    image_id = image_id or ims.image()

    with pytest.raises(ClientRequestException) as refused:
        client.create_or_update_tags(put(image_id, **form))

    assert (refused.value.status_code, refused.value.error_code) == (400, code)
    assert refused.value.error_msg
    assert refused.value.request_id


def test_the_client_reads_a_full_quota(ims: Ims, client: Any) -> None:
    """The eleventh key."""
    image_id = ims.image(tags={f"key{number}": "" for number in range(10)})

    with pytest.raises(ClientRequestException) as refused:
        client.create_or_update_tags(put(image_id, tag="key10."))

    assert refused.value.error_code == "IMG.0116"


def test_the_client_reads_the_codes_of_the_gateway(ims: Ims, connect: Callable[[str], Any]) -> None:
    """A bad token is refused by the gateway, whose body has another form."""
    with pytest.raises(ClientRequestException) as refused:
        connect("wrong").create_or_update_tags(put(ims.image(), tag="k.v"))

    assert (refused.value.status_code, refused.value.error_code) == (401, "APIG.0301")
    assert refused.value.request_id


def test_the_client_reads_flow_control_and_faults(ims: Ims, client: Any) -> None:
    """429 of the gateway, and a scripted failure of the server."""
    ims.fault(status=500, code="IMG.0061", times=1)
    ims.limit_rate(calls_per_second=0.001)
    request = put(ims.image(), tag="k.v")

    with pytest.raises(ServerResponseException) as broken:
        client.create_or_update_tags(request)
    client.create_or_update_tags(request)
    with pytest.raises(ClientRequestException) as limited:
        client.create_or_update_tags(request)

    assert (broken.value.status_code, broken.value.error_code) == (500, "IMG.0061")
    # Of a 429 the client reports the status alone: its retries, of which there are none by default, end it.
    assert limited.value.status_code == 429
