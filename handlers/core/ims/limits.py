"""What IMS accepts as a tag.

IMS publishes its limits in several variants (API reference, "Image Tag Data Formats"; user guide, "Tag").
Each variant in use is a profile here. The unit of lengths is not published. All profiles but one allow only
ASCII, where characters and bytes are the same.
"""

import hashlib
import re
from typing import NamedTuple


class Limits(NamedTuple):
    """What one published variant of IMS accepts.

    key, value: the allowed characters, as the inside of a character class of a regular expression.
    tags: how many tags an image may have.
    """

    key: str
    key_length: int
    value: str
    value_length: int
    tags: int


COMMON = Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_-", 43, 10)
"""What every published variant accepts."""

LIMITS = {
    "common": COMMON,
    # Open Telekom Cloud publishes a character list for the text form `key.value` only.
    "otc": Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_-", 43, 10),
    # Huawei Cloud, international.
    "huawei": Limits("A-Za-z0-9_-", 36, "A-Za-z0-9_.-", 43, 10),
    # Huawei Cloud, China, newest page; the console shows 20 tags.
    "huawei-cn-new": Limits("\u4e00-\u9fffA-Za-z0-9 _.:+@-", 128, "\u4e00-\u9fffA-Za-z0-9 _.:/+@-", 255, 20),
}


def fault_of_key(key: str, limits: Limits) -> str:
    """Why IMS would refuse this key, in words, or ""."""
    if not key:
        return "a key is empty"
    return _fault(key, limits.key, limits.key_length)


def fault_of_value(value: str, limits: Limits) -> str:
    """Why IMS would refuse this value, in words, or "". A value may be empty."""
    return _fault(value, limits.value, limits.value_length)


def sanitize_value(value: str, limits: Limits) -> str:
    """The nearest value that IMS accepts.

    Other characters become "_", and spaces at the ends are removed. A value that is too long, or that loses a
    letter or a digit, ends in a hash of the whole. So two long values, or two names in another alphabet, stay
    different.
    """
    refused = re.compile(f"[^{limits.value}]")
    stripped = value.strip(" ")
    # Only the part that can stay is processed.
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
