"""What IMS documents about the form and the number of tags. Pure.

Sources: "Image Management Service API reference", pages "Image Tag Format" (Open Telekom Cloud), "Image
Tag Data Formats" (Huawei Cloud) and "Adding or Deleting Image Tags in a Batch".

Written apart from the function's own limits, and to stay so: it is an independent check, by which a slip in
one is found by the other.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from deploy.local.ims.errors import Refused


class Form(NamedTuple):
    """What a key and a value have to look like, as regular expressions."""

    key: str
    value: str

    def checked(self, key: str, value: str) -> tuple[str, str]:
        if re.fullmatch(self.key, key) and re.fullmatch(self.value, value):
            return key, value
        raise Refused("IMG.0115")


@dataclass(frozen=True)
class Limits:
    """What one published variant of IMS accepts as a tag. Both methods raise `Refused` (IMG.0115)."""

    text: Form
    """For the text form, `key.value`."""
    pair: Form
    """For key and value given apart."""
    tags: int = 10
    """Tags that one image can have."""
    trims_pairs: bool = False

    def of_text(self, tag: str) -> tuple[str, str]:
        """The text form ends its key at the first dot; without a dot it is all key (Huawei Cloud).

        For Open Telekom Cloud this is inferred, and of no effect: there a value takes no dots.
        """
        key, _, value = tag.partition(".")
        return self.text.checked(key, value)

    def of_pair(self, key: str, value: str) -> tuple[str, str]:
        if self.trims_pairs:
            key, value = key.strip(" "), value.strip(" ")
        return self.pair.checked(key, value)


_PLAIN = Form(key=r"[A-Za-z0-9_-]{1,36}", value=r"[A-Za-z0-9_-]{0,43}")
_DOTTED = Form(key=_PLAIN.key, value=r"[A-Za-z0-9_.-]{0,43}")
_ANY = Form(key=r"(?s:.{1,36})", value=r"(?s:.{0,43})")
_WIDE = Form(
    key=r"(?! )[\u4e00-\u9fffA-Za-z0-9 _.:+@-]{1,128}(?<! )",
    value=r"(?! )[\u4e00-\u9fffA-Za-z0-9 _.:+@/-]{0,255}(?<! )",
)

LIMITS: dict[str, Limits] = {
    # What all published variants accept.
    "common": Limits(text=_PLAIN, pair=_PLAIN),
    # No list of characters is published for pairs here.
    "otc": Limits(text=_PLAIN, pair=_ANY, trims_pairs=True),
    "huawei": Limits(text=_DOTTED, pair=_DOTTED),
    # A dot may stand in a key here, but not in the text form, which ends the key there.
    "huawei-cn-new": Limits(text=_WIDE, pair=_WIDE, tags=20),
}

DELETION = Form(key=r"(?s:.{1,127})", value=r"(?s:.{0,255})")
"""Deleting in a batch checks lengths alone, and other ones."""
