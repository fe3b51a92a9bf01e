"""Tags, and what IMS accepts as one.

IMS publishes its limits in several variants (API reference, "Image Tag Data Formats"; user guide, "Tag").
Each variant in use is a profile here. The unit of lengths is not published; all profiles but one allow
ASCII only, where characters and bytes are the same.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from handlers.core.errors import InvalidTag

BATCH_MIN = 2
"""Tags from which on one call for all of them is a batch; one alone would gain nothing."""


class Tag(NamedTuple):
    key: str
    value: str


class FailedTag(NamedTuple):
    """A tag that was not written, be it refused or, after another error, not tried."""

    tag: Tag
    error: Exception


class WriteResult(NamedTuple):
    """How writing an image's tags went.

    request_ids: of the tag API's answers, for the vendor's support.
    batch_fallback: why each tag had a call of its own where all were to have one together; "" where not so.
    """

    not_written: list[FailedTag]
    request_ids: list[str]
    batch_fallback: str = ""


class Call(NamedTuple):
    """A call of the image service; body: the JSON that it sends."""

    method: str
    path: str
    body: dict[str, Any] | None = None


class Limits(NamedTuple):
    """What one published variant of IMS accepts.

    key, value: the characters allowed, as the inside of a regular expression's brackets.
    tags: how many tags an image may have.
    """

    key: str
    key_length: int
    value: str
    value_length: int
    tags: int


LIMITS = {
    # What every published variant accepts.
    "common": Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_-", 43, 10),
    # Open Telekom Cloud publishes a character list for the text form `key.value` only.
    "otc": Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_-", 43, 10),
    # Huawei Cloud, international.
    "huawei": Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_.-", 43, 10),
    # Huawei Cloud, China, newest page; the console shows 20 tags.
    "huawei-cn-new": Limits("\u4e00-\u9fffA-Za-z0-9 _.:+@-", 128, "\u4e00-\u9fffA-Za-z0-9 _.:/+@-", 255, 20),
}


def fault_of_key(key: str, limits: Limits) -> str:
    """What IMS would refuse in this key, in words, or ""."""
    if not key:
        return "a key is empty"
    return _fault(key, limits.key, limits.key_length)


def fault_of_value(value: str, limits: Limits) -> str:
    """What IMS would refuse in this value, in words, or "". A value may be empty."""
    return _fault(value, limits.value, limits.value_length)


def sanitize_value(value: str, limits: Limits) -> str:
    """The nearest value that IMS accepts.

    What is not allowed becomes "_", spaces at the ends go. A value that is too long, or loses a letter or a
    digit, ends in a hash of the whole, so that two people in another alphabet or two long values stay two.
    """
    refused = f"[^{limits.value}]"
    mended = re.sub(refused, "_", value.strip(" "))
    if len(mended) <= limits.value_length and not any(map(str.isalnum, re.findall(refused, value))):
        return mended
    digest = "-" + hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:8]
    return mended[: limits.value_length - len(digest)] + digest


def tag_call(image_id: str, tag: Tag, tag_form: str) -> Call:
    """The call that adds one tag, as text for the form "tag", else with key and value apart.

    Raises InvalidTag for a key that the form cannot carry.
    """
    # PUT /v1/cloudimages/tags (IMS API reference, "Adding or Modifying a Tag")
    form: dict[str, Any] = {"image_tag": tag._asdict()}
    if tag_form == "tag":
        if "." in tag.key:
            raise InvalidTag(f'the API splits "{tag.key}" at its dot; use TAG_FORM=image_tag', key=tag.key)
        form = {"tag": f"{tag.key}.{tag.value}"}
    return Call("PUT", "/v1/cloudimages/tags", {"image_id": image_id, **form})


def batch_call(project_id: str, image_id: str, tags: Sequence[Tag]) -> Call:
    """The call that adds several tags, of different keys, and changes nothing where they are there already.

    project_id, image_id: parts of a path, so ids and never any text of an event.
    """
    # POST /v2/{project_id}/images/{image_id}/tags/action (IMS API reference, "Adding or Deleting Image Tags
    # in a Batch")
    body = {"action": "create", "tags": [tag._asdict() for tag in tags]}
    return Call("POST", f"/v2/{project_id}/images/{image_id}/tags/action", body)


def existing_value(existing: Iterable[str], key: str) -> str | None:
    """The value of a key among an image's tags as texts; None where it has none.

    Image objects list tags as `key.value` or as `key=value`; which, is published for no region. With
    dots, `cost.center.42` can be of the key `cost` as well as of `cost.center`: it is taken for either.
    """
    for text in existing:
        if text == key or text.startswith(key + ("=" if "=" in text else ".")):
            return text[len(key) + 1 :]
    return None


def _fault(text: str, allowed: str, length: int) -> str:
    if len(text) > length:
        return f"it has {len(text)} characters, {length} are allowed"
    if refused := re.search(f"[^{allowed}]", text):
        return f"the character {refused[0]!a} is not allowed"
    if text != text.strip(" "):
        return "it begins or ends with a space"
    return ""
