"""Signed requests, judged by the vendor's own signer and client.

In a module of its own, since importing the vendor's SDK takes about half a second.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import huaweicloudsdkims.v2 as sdk
import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from handlers.edges.credentials.signature import Keys, Signable, Signed, authorization, canonical_query
from tests.processes.emulator import Ims

KEYS = Keys("AKEXAMPLE0000000001", "SKexampleSecretKey000000000000000000000001")
HOST = "ims.eu-de.otc.t-systems.com"
DATE = "20260101T000000Z"
COMMON = {"Host": HOST, "X-Sdk-Date": DATE}
PROJECT = {"X-Project-Id": "0123456789abcdef0123456789abcdef"}
IMAGE = "62a15f6c-9197-44d2-89c7-708981c1bec1"
TAGS = "/v1/cloudimages/tags"

Headers = dict[str, str]
Query = list[tuple[str, str]]

# -- the published form -----------------------------------------------------------------------------

VECTORS = {
    "image_tag": (
        ("PUT", TAGS, [], {"Content-Type": "application/json;charset=UTF-8", **PROJECT}),
        b'{"image_id":"%s","image_tag":{"key":"env","value":"prod"}}' % IMAGE.encode(),
        "2a439cb2846991dc8593cf661ae366b42b6c489e0d0756ae579721efd5332eaa",
    ),
    "security token": (
        (
            "PUT",
            TAGS,
            [],
            {"Content-Type": "application/json", **PROJECT, "X-Security-Token": "TOKENEXAMPLE=="},
        ),
        b'{"image_id":"%s","tag":"aaaa.1111"}' % IMAGE.encode(),
        "9f94f0232613e8113c68657483af4abb24bfc4c3d908c436ab316ad5f3986199",
    ),
    "query": (
        ("GET", "/v2/cloudimages", [("id", IMAGE), ("__imagetype", "private"), ("tag", "a=b c/é")], {}),
        b"",
        "b5bc1151e51e7c6981e85dfbefc8ff8b66aef0e7e4a81ad66448d40ca18bc307",
    ),
    "no body": (
        ("GET", "/v2/0123/images/62a1/tags", [], {}),
        b"",
        "a0c53d7a99cb97f97242ce101a3184b36bf0385cbc189a28cf23cb89274d3823",
    ),
    "a space in the path": (
        ("PUT", "/v2/images/62a1/tags/a b~c", [], {}),
        b"",
        "41bb52adc43b80aff9d7e93b49dc65b37d324f4f5793656aa316229d3b6daa20",
    ),
    "unsigned payload": (
        (
            "PUT",
            "/x",
            [],
            {"Content-Type": "application/merge-patch+json", "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"},
        ),
        b"{}",
        "bd78fcb07eb9567df442d4201a61d753caa4d1b5311d0ac4b9885baf24cb8dde",
    ),
}


@pytest.mark.parametrize(("request_", "body", "expected"), VECTORS.values(), ids=VECTORS)
def test_known_signatures(request_: tuple[str, str, Query, Headers], body: bytes, expected: str) -> None:
    """Signatures made once with the vendor's SDK, so that no change of either goes unseen."""
    method, path, query, headers = request_

    signed = authorization(Signable(method, path, query, COMMON | headers, body), KEYS)

    assert signed.startswith(f"SDK-HMAC-SHA256 Access={KEYS.access}, SignedHeaders=")
    assert signed.endswith(f", Signature={expected}")


# -- any request ------------------------------------------------------------------------------------


def signed_by_vendor(method: str, path: str, query: Query, headers: Headers, body: bytes) -> Any:
    request = SdkRequest(
        method=method,
        schema="https",
        host=HOST,
        resource_path=path,
        query_params=list(query),
        header_params=dict(headers),
        body=body,
    )
    return Signer(BasicCredentials(KEYS.access, KEYS.secret)).sign(request)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
NAMES = st.from_regex(r"\AX-[A-Za-z0-9_-]{1,10}\Z")
TYPES = st.sampled_from(
    ["application/json", "application/json;charset=UTF-8", "application/bson", "text/plain"]
)


@given(
    method=st.sampled_from(["GET", "PUT", "post", "PATCH", "DELETE", "HEAD"]),
    path=st.lists(TEXT.map(lambda text: text.replace("/", "")), max_size=4),
    slash=st.sampled_from(["", "/"]),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    headers=st.dictionaries(NAMES, st.one_of(TEXT, TEXT.map(" {} ".format)), max_size=4),
    content_type=st.none() | TYPES,
    body=st.binary(max_size=40),
    token=st.sampled_from(["", "TOKEN=="]),
)
def test_signatures_are_those_of_the_vendor(
    method: str,
    path: list[str],
    slash: str,
    query: Query,
    headers: Headers,
    content_type: str | None,
    body: bytes,
    token: str,
) -> None:
    """Whatever the method, path, query, headers, body and token: byte for byte the same header."""
    # Two headers whose names differ in case alone are one, and the vendor's signer does not see that.
    headers = dict({name.lower(): (name, value) for name, value in headers.items()}.values())
    headers |= COMMON | ({"Content-Type": content_type} if content_type else {})
    headers |= {"X-Security-Token": token} if token else {}
    resource = f"/{'/'.join(path)}{slash}"
    theirs = signed_by_vendor(method, resource, query, headers, body)

    if "X-Sdk-Content-Sha256" in theirs.header_params:
        headers["X-Sdk-Content-Sha256"] = theirs.header_params["X-Sdk-Content-Sha256"]
    ours = authorization(Signable(method, resource, query, headers, body), KEYS)
    assert ours == theirs.header_params["Authorization"]
    assert theirs.uri == resource + (f"?{canonical_query(query)}" if query else "")


@given(
    path=st.lists(st.text("ab~ é%/?", max_size=5), max_size=3),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=4),
    body=st.binary(max_size=40),
    content_type=TYPES,
    token=st.sampled_from(["", "TOKEN=="]),
)
def test_what_is_signed_is_what_is_sent(
    path: list[str], query: Query, body: bytes, content_type: str, token: str
) -> None:
    """The header of a prepared request is that of the vendor's signer for the same URL, headers and bytes."""
    url = requests.Request("PUT", f"https://{HOST}/v2/{'/'.join(path)}", params=query).prepare().url
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    auth = Signed(KEYS._replace(security_token=token), "p-1", clock=lambda: moment)

    sent = requests.Request(
        "PUT", url, headers={"Content-Type": content_type, "Accept": "*/*"}, data=body, auth=auth
    ).prepare()

    resource, _, query_sent = sent.path_url.partition("?")
    pairs = parse_qsl(query_sent, keep_blank_values=True)
    names = sent.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    headers = {name: sent.headers[name] for name in names}
    theirs = signed_by_vendor("PUT", resource, pairs, headers, body)
    assert sent.headers["Authorization"] == theirs.header_params["Authorization"]
    assert query_sent == canonical_query(pairs)
    assert (sent.body or b"") == body
    assert set(names) >= {"content-type", "host", "x-project-id", "x-sdk-date"}


# -- the emulator, as judge and judged --------------------------------------------------------------


SESSION_TOKEN = "TOKENEXAMPLE=="


def client_of(ims: Ims, keys: Keys) -> Any:
    credentials = BasicCredentials(keys.access, keys.secret, ims.project_id)
    if keys.security_token:
        credentials = credentials.with_security_token(keys.security_token)
    return sdk.ImsClient.new_builder().with_credentials(credentials).with_endpoint(ims.url).build()


@pytest.mark.parametrize("token", ["", SESSION_TOKEN], ids=["lasting", "temporary"])
def test_the_emulator_accepts_what_the_vendor_signs(ims: Ims, token: str) -> None:
    """The vendor's own client, with queries, bodies and paths, and no token beside the signature."""
    ims.put_key(KEYS.access, secret=KEYS.secret, security_token=token)
    client, image_id = client_of(ims, KEYS._replace(security_token=token)), ims.image()
    body = sdk.AddOrUpdateTagsRequestBody(image_id=image_id, tag="env.prod")

    client.create_or_update_tags(sdk.CreateOrUpdateTagsRequest(body=body))
    [listed] = client.list_images(sdk.ListImagesRequest(id=image_id, tag="env=prod")).images
    client.delete_image_tag(sdk.DeleteImageTagRequest(image_id=image_id, key="env"))

    assert listed.id == image_id
    assert ims.tags(image_id) == {}


def changed(text: str, position: int) -> str:
    return text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]


CHANGES: dict[str, Any] = {
    "query": {"query": "?a=b"},
    "body": {"body": lambda body: body[:-3] + bytes([body[-3] ^ 1]) + body[-2:]},
    "project": {"header": "X-Project-Id"},
    "security token": {"header": "X-Security-Token"},
    "content type": {"header": "Content-Type"},
    "date": {"header": "X-Sdk-Date"},
    "signature": {"header": "Authorization"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_emulator_refuses_a_call_changed_by_a_byte(ims: Ims, change: dict[str, Any]) -> None:
    """What the vendor's SDK signed is sent as it is, then with one thing changed."""
    ims.put_key(KEYS.access, secret=KEYS.secret, security_token=SESSION_TOKEN, projects=[ims.project_id])
    image_id = ims.image()
    body = b'{"image_id":"%s","tag":"env.prod"}' % image_id.encode()
    headers = {
        "Host": ims.url.removeprefix("http://"),
        "X-Sdk-Date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "Content-Type": "application/json",
        "X-Project-Id": ims.project_id,
        "X-Security-Token": SESSION_TOKEN,
    }
    headers = signed_by_vendor("PUT", TAGS, [], headers, body).header_params
    sent = requests.put(ims.url + TAGS, data=body, headers=headers, timeout=5)
    if name := change.get("header"):
        headers = headers | {name: changed(headers[name], len(headers[name]) - 2)}

    url = ims.url + TAGS + change.get("query", "")
    refused = requests.put(url, data=change.get("body", bytes)(body), headers=headers, timeout=5)

    assert sent.status_code == 204
    assert (refused.status_code, refused.json()["error_code"]) == (401, "APIG.0301")


@pytest.mark.parametrize(("ahead", "passes"), [(890, True), (-890, True), (910, False), (-910, False)])
def test_the_emulator_refuses_a_clock_that_is_15_minutes_off(ims: Ims, ahead: float, *, passes: bool) -> None:
    """Either way, with the code and the words that are published."""
    ims.put_key(KEYS.access, secret=KEYS.secret)
    ims.settings(clock_ahead=ahead)

    reply = requests.get(f"{ims.url}/v2/cloudimages", auth=Signed(KEYS, ims.project_id), timeout=5)

    assert reply.status_code == (200 if passes else 401)
    assert passes or reply.json()["error_code"] == "APIG.0303"
    assert passes or reply.json()["error_msg"].startswith("signature expired, signature time:")


def test_the_emulator_locks_a_key_after_five_failures(ims: Ims) -> None:
    """Then the right secret is refused too, with the words that are published."""
    ims.put_key(KEYS.access, secret=KEYS.secret)
    wrong = KEYS._replace(secret="wrong")

    said = [
        requests.get(f"{ims.url}/v2/cloudimages", auth=Signed(keys, ims.project_id), timeout=5).json()
        for keys in (KEYS, wrong, wrong, wrong, wrong, KEYS, wrong, wrong, wrong, wrong, wrong, KEYS)
    ]

    assert [words.get("error_msg", "").rpartition(": ")[2] for words in said] == [
        *("", *["verify aksk signature fail"] * 4),
        *("", *["verify aksk signature fail"] * 5),
        "AK access failed to reach the limit,forbidden",
    ]
