"""What IMS documents about tags, and how it says no. Pure.

Sources: "Image Management Service API reference", pages "Image Tag Format" (Open Telekom Cloud), "Image
Tag Data Formats" (Huawei Cloud), "Adding or Deleting Image Tags in a Batch" and "Error Codes"; "API
Gateway user guide", page "Error Codes". The codes are theirs, the messages are our words.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

ERRORS: dict[str, tuple[int, str]] = {
    "IMG.0001": (400, "The request is not in the documented form."),
    "IMG.0007": (400, "The request has no body."),
    "IMG.0013": (400, "The image has no name."),
    "IMG.0014": (400, "The layer below failed while it carried out the task."),
    "IMG.0023": (400, "The job could not be queried."),
    "IMG.0027": (400, "No image has this id."),
    "IMG.0028": (400, "The image is protected."),
    "IMG.0046": (400, "The image is not available: check its status."),
    "IMG.0066": (400, "The image id is wrong."),
    "IMG.0067": (400, "The project id is wrong."),
    "IMG.0083": (400, "The image is public."),
    "IMG.0104": (400, "The region has several projects: name the project."),
    "IMG.0106": (400, "The image belongs to another tenant."),
    "IMG.0115": (400, "The tag is not valid."),
    "IMG.0116": (400, "The image has no room for another tag."),
    "APIG.0101": (404, "The API does not exist or is not published."),
    "APIG.0201": (413, "The request body is too large."),
    "APIG.0301": (401, "Incorrect IAM authentication information: decrypt token fail"),
    "APIG.0303": (401, "Incorrect app authentication information."),
    "APIG.0307": (401, "The token has to be renewed."),
    "APIG.0308": (429, "Too many calls: the threshold of flow control is reached."),
}
"""Code -> status and message. That of APIG.0301 is the published one, since clients read its ending."""


class Refused(Exception):
    """The service or its gateway says no with a documented code."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.status, known = ERRORS[code]
        self.message = message or known
        super().__init__(f"{code}: {self.message}")


def error_body(code: str | int | None, message: str, request_id: str, shape: str = "") -> dict[str, Any]:
    """The JSON of an error: shape `ims`, or `gateway`; by default the one that the code belongs to."""
    if (shape or ("gateway" if str(code).startswith("APIG") else "ims")) == "gateway":
        return {"error_msg": message, "error_code": code, "request_id": request_id}
    return {"error": {"message": message, "code": code}}


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
