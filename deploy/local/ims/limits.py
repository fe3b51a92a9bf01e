"""What IMS documents about the form and the number of tags. Pure.

Sources: "Image Management Service API reference", pages "Image Tag Format" (Open Telekom Cloud), "Image
Tag Data Formats" (Huawei Cloud) and "Adding or Deleting Image Tags in a Batch".

Written apart from the function's own limits, and to stay so: it is an independent check, by which a slip in
one is found by the other.
"""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from deploy.local.ims.errors import Refused


class Form(NamedTuple):
    """What a key and a value have to look like: one character as a regular expression, and how many."""

    key: str
    key_length: int
    value: str
    value_length: int

    def checked(self, key: str, value: str, refusal: str) -> tuple[str, str]:
        """Raises `Refused`, which `refusal` says in the form of `errors.ANSWER`."""
        if re.fullmatch(f"(?:{self.key}){{1,{self.key_length}}}", key) and re.fullmatch(
            f"(?:{self.value}){{0,{self.value_length}}}", value
        ):
            return key, value
        raise Refused.answering(refusal)


@dataclass(frozen=True)
class Limits:
    """What one published variant of IMS accepts as a tag. `of_text` and `of_pair` raise `Refused`."""

    text: Form
    """For the text form, `key.value`."""
    pair: Form
    """For key and value given apart."""
    tags: int = 10
    """Tags that one image can have."""
    trims_pairs: bool = False
    refusal: str = "400 IMG.0115"
    """What refuses a tag, in the form of `errors.ANSWER`."""

    def of_text(self, tag: str) -> tuple[str, str]:
        """The text form ends its key at the first dot; without a dot it is all key (Huawei Cloud).

        For Open Telekom Cloud this is inferred, and of no effect: there a value takes no dots.
        """
        key, _, value = tag.partition(".")
        return self.text.checked(key, value, self.refusal)

    def of_pair(self, key: str, value: str) -> tuple[str, str]:
        if self.trims_pairs:
            key, value = key.strip(" "), value.strip(" ")
        return self.pair.checked(key, value, self.refusal)

    def with_pairs(
        self,
        key_length: int | None,
        value_length: int | None,
        dots_in_keys: bool | None,
        dots_in_values: bool | None,
    ) -> "Limits":
        """The same with other rules for key and value given apart; None: as they are."""
        pair = self.pair
        pair = pair._replace(key=_dotted(pair.key, dots_in_keys), value=_dotted(pair.value, dots_in_values))
        pair = pair._replace(
            key_length=key_length or pair.key_length, value_length=value_length or pair.value_length
        )
        return replace(self, pair=pair)


def _dotted(character: str, dots: bool | None) -> str:
    return character if dots is None else rf"\.|{character}" if dots else rf"(?!\.)(?:{character})"


_INNER_SPACE = r"(?!\A) (?!\Z)"
_PLAIN = Form(key=r"[A-Za-z0-9_-]", key_length=36, value=r"[A-Za-z0-9_-]", value_length=43)
_DOTTED = _PLAIN._replace(value=r"[A-Za-z0-9_.-]")
_ANY = _PLAIN._replace(key=r"(?s:.)", value=r"(?s:.)")
_WIDE = Form(
    key=rf"[\u4e00-\u9fffA-Za-z0-9_.:+@-]|{_INNER_SPACE}",
    key_length=128,
    value=rf"[\u4e00-\u9fffA-Za-z0-9_.:+@/-]|{_INNER_SPACE}",
    value_length=255,
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

DELETION = _ANY._replace(key_length=127, value_length=255)
"""Deleting in a batch checks lengths alone, and other ones."""
