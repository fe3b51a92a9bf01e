"""The IMS emulator judged by clients of OpenStack and Open Telekom Cloud: openstacksdk, otcextensions."""

from collections.abc import Iterator
from typing import Any

import openstack
import otcextensions.sdk
import pytest
from openstack.exceptions import HttpException

from tests.processes.emulator import Ims

pytestmark = pytest.mark.filterwarnings(
    # openstacksdk warns of its own plans.
    "ignore::PendingDeprecationWarning"
)


@pytest.fixture
def cloud(ims: Ims) -> Iterator[Any]:
    """A connection as one is made to a real cloud: by an address, names and a password."""
    ims.put_user("ada", password="canary-word")
    connection = openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=f"{ims.url}/v3",
        username="ada",
        password="canary-word",
        user_domain_name="example",
        project_name="eu-de",
        project_domain_name="example",
        region_name="eu-de",
    )
    yield connection
    connection.close()


@pytest.fixture
def otc(cloud: Any) -> Any:
    otcextensions.sdk.register_otc_extensions(cloud)
    return cloud


def test_openstacksdk_lists_all_images(ims: Ims, cloud: Any) -> None:
    """Over the pages of the native list, with what its model reads of an image."""
    ids = ims.images([{"created_at": 1000 + second, "tags": {"env": "prod"}} for second in range(60)])

    images = list(cloud.image.images(sort_key="created_at", sort_dir="asc"))

    assert [image.id for image in images] == ids
    assert {(image.owner_id, image.status, image.visibility) for image in images} == {
        (ims.project_id, "active", "private")
    }
    assert images[0].tags == ["env=prod"]
    assert len(ims.calls("GET", "/v2/images")) == 3


def test_openstacksdk_finds_an_image(ims: Ims, cloud: Any) -> None:
    """By its name and by its id, in both of its layers."""
    image_id, _ = ims.images([{"attributes": {"name": "web-base"}}, {"attributes": {"name": "db-base"}}])

    found = [cloud.image.find_image("web-base"), cloud.image.find_image(image_id)]
    found += [cloud.get_image("web-base"), cloud.image.get_image(image_id)]

    assert [image.id for image in found] == [image_id] * 4
    assert cloud.image.find_image("none", ignore_missing=True) is None


def test_openstacksdk_knows_where_the_services_are(ims: Ims, cloud: Any) -> None:
    """From the catalog of its token."""
    endpoints = [cloud.endpoint_for(service) for service in ("image", "identity", "cts")]

    assert endpoints == [ims.url, f"{ims.url}/v3", f"{ims.url}/v1.0/{ims.project_id}"]
    assert cloud.current_project_id == ims.project_id


def test_openstacksdk_reads_that_a_right_is_missing(ims: Ims, cloud: Any) -> None:
    """As its own exception, with the status and the words of the service."""
    ims.put_user("ada", password="canary-word", denied=["ims:images:list"])

    # otcextensions, once it is registered, raises a wider class for the whole process.
    with pytest.raises(HttpException, match="role") as refused:
        list(cloud.image.images())

    assert refused.value.response.status_code == 403


def test_otcextensions_lists_images(ims: Ims, otc: Any) -> None:
    """By the extended list."""
    image_id = ims.image(attributes={"name": "web-base"}, tags={"env": "prod"})

    [image] = otc.imsv2.images()

    assert (image.id, image.name) == (image_id, "web-base")


def test_otcextensions_lists_traces(ims: Ims, otc: Any) -> None:
    """It finds the service in the catalog, and reads one page."""
    ims.api("POST", "/v2/images", json={"name": "web-base"})

    [trace] = otc.ctsv3.traces(trace_type="system", service_type="IMS")

    assert (trace.trace_name, trace.resource_name) == ("createImage", "web-base")
    assert trace.user.name == "ada@example.com"
