"""What IMS accepts as a tag.

IMS publishes its limits in several variants (API reference, "Image Tag Data Formats"; user guide, "Tag").
Each variant in use is a profile here. The unit of lengths is not published; all profiles but one allow
ASCII only, where characters and bytes are the same.
"""

import hashlib
import re
from typing import NamedTuple


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
    refused = re.compile(f"[^{limits.value}]")
    stripped = value.strip(" ")
    # No more is looked at than can stay.
    sanitized = refused.sub("_", stripped[: limits.value_length])
    if len(stripped) <= limits.value_length and not any(map(str.isalnum, refused.findall(stripped))):
        return sanitized
    digest = "-" + hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:8]
    return sanitized[: limits.value_length - len(digest)] + digest


def _fault(text: str, allowed: str, length: int) -> str:
    if len(text) > length:
        return f"it has {len(text)} characters, {length} are allowed"
    if refused := re.search(f"[^{allowed}]", text):
        return f"the character {refused[0]!a} is not allowed"
    if text != text.strip(" "):
        return "it begins or ends with a space"
    return ""
