"""The IMS emulator's lists judged by the vendor's own clients, huaweicloudsdkims and huaweicloudsdkcts."""

from collections.abc import Iterator
from typing import Any

import huaweicloudsdkcts.v3 as cts
import huaweicloudsdkims.v2 as sdk
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from tests.processes.emulator import Ims

KEY, SECRET = "AKEXAMPLE", "canary-secret"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"


def connected(builder: Any, ims: Ims) -> Iterator[Any]:
    """A client that signs with a key of the emulator, and its end."""
    ims.put_key(KEY, secret=SECRET)
    keys = BasicCredentials(KEY, SECRET, ims.project_id)
    client = builder.with_credentials(keys).with_endpoint(ims.url).build()
    yield client
    http = client.get_http_client()
    http.executor.shutdown()
    http.close()


@pytest.fixture
def client(ims: Ims) -> Iterator[Any]:
    yield from connected(sdk.ImsClient.new_builder(), ims)


@pytest.fixture
def traces(ims: Ims) -> Iterator[Any]:
    yield from connected(cts.CtsClient.new_builder(), ims)


def test_the_client_lists_images_with_every_filter(ims: Ims, client: Any) -> None:
    """All that its request has, and the emulator says of none that it does not know it, but of flavors."""
    attributes = {"name": "web-base", "__system__cmkid": "k1", "architecture": "x86"}
    kvm = ["__support_kvm", "__support_xen", "__support_largememory", "__support_diskintensive"]
    kvm += ["__support_highperformance", "__support_xen_gpu_type", "__support_kvm_gpu_type"]
    kvm += ["__support_xen_hana", "__support_kvm_infiniband"]
    image_id = ims.image(
        attributes=attributes | dict.fromkeys(kvm, "true"),
        tags={"env": "prod"},
        created_at=1_767_608_130,
    )

    answer = client.list_images(
        sdk.ListImagesRequest(
            imagetype="private",
            isregistered="true",
            os_bit="64",
            os_type="Linux",
            platform="Other",
            support_diskintensive="true",
            support_highperformance="true",
            support_kvm="true",
            support_kvm_gpu_type="true",
            support_kvm_infiniband="true",
            support_largememory="true",
            support_xen="true",
            support_xen_gpu_type="true",
            support_xen_hana="true",
            container_format="bare",
            disk_format="zvhd2",
            enterprise_project_id="0",
            id=image_id,
            limit=5,
            min_disk=40,
            min_ram=0,
            name="web-base",
            owner=ims.project_id,
            protected=False,
            sort_dir="asc",
            sort_key="created_at",
            status="active",
            tag="env=prod",
            virtual_env_type="FusionCompute",
            visibility="private",
            created_at="gte:2026-01-05T10:15:30Z",
            updated_at="lt:2026-01-05T10:15:31Z",
            architecture="x86",
        )
    )

    [listed] = answer.images
    assert (listed.id, listed.tags, listed.created_at) == (image_id, ["env=prod"], "2026-01-05T10:15:30Z")
    assert answer.page_info is None


def test_the_client_pages_by_what_it_is_told(ims: Ims, client: Any) -> None:
    """With the marker of `page_info`, in its own model."""
    ims.settings(page_info=True)
    ids = ims.images([{"created_at": 1000 + second} for second in range(5)])

    found, marker = [], None
    while True:
        page = client.list_images(sdk.ListImagesRequest(limit=2, sort_dir="asc", marker=marker))
        found += [image.id for image in page.images]
        if page.page_info is None:
            break
        marker = page.page_info.next_marker

    assert found == ids


def test_the_client_lists_images_that_were_shared(ims: Ims, client: Any) -> None:
    """As the reference says that they are asked for."""
    shared = {"project_id": OTHER_PROJECT, "members": {ims.project_id: "accepted"}}
    offered = {"project_id": OTHER_PROJECT, "members": {ims.project_id: "pending"}}
    image_id, _, _ = ims.images([shared, offered, {"members": {OTHER_PROJECT: "accepted"}}])

    request = sdk.ListImagesRequest(imagetype="shared", member_status="accepted", visibility="shared")

    assert [image.id for image in client.list_images(request).images] == [image_id]


def test_the_client_reads_that_a_marker_is_gone(client: Any) -> None:
    """As a refusal with a code of IMS."""
    with pytest.raises(ClientRequestException) as refused:
        client.list_images(sdk.ListImagesRequest(marker="62a15f6c-9197-44d2-89c7-708981c1bec1"))

    assert (refused.value.status_code, refused.value.error_code) == (400, "IMG.0027")


def test_the_client_finds_images_by_tags(ims: Ims, client: Any) -> None:
    """All fields of its request are understood, and its model reads the answer."""
    image_id, other = ims.images(
        [{"attributes": {"name": "web-base"}, "tags": {"env": "prod", "team": ""}}, {"tags": {"env": "test"}}]
    )
    body = sdk.ListImageByTagsRequestBody(
        action="filter",
        limit="10",
        offset="0",
        matches=[sdk.TagKeyValue(key="resource_name", value="web")],
        tags=[sdk.Tags(key="env", values=["prod"])],
        tags_any=[sdk.Tags(key="team", values=[])],
        not_tags=[sdk.Tags(key="env", values=["test"])],
        not_tags_any=[sdk.Tags(key="none", values=[])],
        without_any_tag=False,
    )
    count = sdk.ListImageByTagsRequestBody(action="count", not_tags=[sdk.Tags(key="team", values=[])])

    found = client.list_image_by_tags(sdk.ListImageByTagsRequest(body=body))
    counted = client.list_image_by_tags(sdk.ListImageByTagsRequest(body=count))

    [resource] = found.resources
    assert (found.total_count, resource.resource_id, resource.resource_name) == (1, image_id, "web-base")
    assert {tag.key: tag.value for tag in resource.tags} == {"env": "prod", "team": ""}
    assert (counted.total_count, other != image_id) == (1, True)


def test_the_client_lists_the_tags_of_a_project_and_of_an_image(ims: Ims, client: Any) -> None:
    """Keys with their values, and pairs."""
    image_id, _ = ims.images([{"tags": {"env": "prod"}}, {"tags": {"env": "test", "team": ""}}])

    project = client.list_images_tags(sdk.ListImagesTagsRequest()).tags
    image = client.list_image_tags(sdk.ListImageTagsRequest(image_id=image_id)).tags

    assert {tag.key: sorted(tag.values) for tag in project} == {"env": ["prod", "test"], "team": [""]}
    assert [(tag.key, tag.value) for tag in image] == [("env", "prod")]


def test_the_client_lists_traces(ims: Ims, traces: Any) -> None:
    """All filters of its request, and its model reads both traces of a job, with a user and without."""
    ims.settings(copy_resource="copy")
    source = ims.image()
    ims.copy(source, "copied")
    everything = traces.list_traces(cts.ListTracesRequest(trace_type="system", service_type="IMS")).traces
    system, caller = everything
    window = {"_from": caller.time - 1, "to": system.time + 1}

    found = traces.list_traces(
        cts.ListTracesRequest(
            trace_type="system",
            limit=200,
            tracker_name="system",
            service_type="IMS",
            user="ada@example.com",
            resource_name="copied",
            resource_type="ims",
            trace_name="copyImage",
            trace_rating="normal",
            **window,
        )
    )

    assert (system.trace_type, system.user, caller.trace_type) == ("SystemAction", None, "ApiCall")
    assert [trace.trace_id for trace in found.traces] == [caller.trace_id]
    assert (found.meta_data.count, found.meta_data.marker) == (1, None)
    assert (caller.user.name, caller.user.domain.name, caller.code) == ("ada@example.com", "example", "200")
    assert caller.record_time == caller.time


def test_the_client_pages_through_traces(ims: Ims, traces: Any) -> None:
    """With the marker as `next`, the newest first."""
    for name in "abc":
        ims.api("POST", "/v2/images", json={"name": name})

    found, marker = [], None
    while True:
        page = traces.list_traces(cts.ListTracesRequest(trace_type="system", limit=2, next=marker))
        found += [trace.resource_name for trace in page.traces]
        marker = page.meta_data.marker
        if marker is None:
            break

    assert found == ["c", "b", "a"]


def test_the_client_reads_bodies_that_are_objects(ims: Ims, traces: Any) -> None:
    """Its model makes text of them."""
    ims.trace_settings(bodies="objects")
    ims.api("POST", "/v2/images", json={"name": "a"})

    [trace] = traces.list_traces(cts.ListTracesRequest(trace_type="system")).traces

    assert (trace.request, trace.code) == ("{'name': 'a'}", "201")


def test_the_clients_read_that_a_right_is_missing(ims: Ims, client: Any, traces: Any) -> None:
    """As a refusal with the code of the service."""
    ims.put_key(KEY, secret=SECRET, denied=["ims:images:list", "cts:trace:list"])

    with pytest.raises(ClientRequestException) as images_refused:
        client.list_images(sdk.ListImagesRequest())
    with pytest.raises(ClientRequestException) as traces_refused:
        traces.list_traces(cts.ListTracesRequest(trace_type="system"))

    refusals = [images_refused.value, traces_refused.value]
    assert [(refusal.status_code, refusal.error_code) for refusal in refusals] == [
        (403, "IMG.0026"),
        (403, "CTS.0013"),
    ]
    assert all(refusal.error_msg for refusal in refusals)
