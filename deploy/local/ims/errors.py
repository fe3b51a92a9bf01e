"""The error codes of the services and of their gateway, and the bodies that they come in. Pure.

Sources: "Image Management Service API reference", page "Error Codes"; "Cloud Trace Service API reference",
page "Error Codes"; "API Gateway user guide", page "Error Codes". The codes are theirs, the messages are our
words.

Written apart from the function's own table of codes, and to stay so: it is an independent check, by which a
slip in one is found by the other.
"""

import re
from typing import Any

ANSWER = re.compile(r"[45][0-9]{2}( [A-Z]{2,8}\.[0-9]{4})?")
"""A refusal as one text: its status and, if it has a body, its code."""

ERRORS: dict[str, tuple[int, str]] = {
    "IMG.0001": (400, "The request is not in the documented form."),
    "IMG.0007": (400, "The request has no body."),
    "IMG.0013": (400, "The image has no name."),
    "IMG.0014": (400, "The layer below failed while it carried out the task."),
    "IMG.0023": (400, "The job could not be queried."),
    "IMG.0026": (403, "The role is not valid for this operation."),
    "IMG.0027": (400, "No image has this id."),
    "IMG.0028": (400, "The image is protected."),
    "IMG.0046": (400, "The image is not available: check its status."),
    "IMG.0066": (400, "The image id is wrong."),
    "IMG.0067": (400, "The project id is wrong."),
    "IMG.0083": (400, "The image is public."),
    "IMG.0086": (400, "No image was found."),
    "IMG.0104": (400, "The region has several projects: name the project."),
    "IMG.0106": (400, "The image belongs to another tenant."),
    "IMG.0115": (400, "The tag is not valid."),
    "IMG.0116": (400, "The image has no room for another tag."),
    "IMG.0144": (400, "The image does not exist."),
    "CTS.0001": (400, "The IAM or OBS service is abnormal."),
    "CTS.0003": (400, "The query is not in the documented form."),
    "CTS.0004": (500, "Data could not be written."),
    "CTS.0005": (500, "Data could not be read."),
    "CTS.0013": (403, "No permission, Please check roles."),
    "CTS.0300": (400, "The query failed: try again later."),
    "APIG.0101": (404, "The API does not exist or is not published."),
    "APIG.0201": (413, "The request body is too large."),
    "APIG.0301": (401, "Incorrect IAM authentication information: decrypt token fail"),
    "APIG.0303": (401, "Incorrect app authentication information."),
    "APIG.0307": (401, "The token has to be renewed."),
    "APIG.0308": (429, "Too many calls: the threshold of flow control is reached."),
}
"""Code -> status and message. Those of APIG.0301 and CTS.0013 are the published ones."""


class Refused(Exception):
    """The service or its gateway says no with a code; "" is a status without a body."""

    def __init__(self, code: str, message: str = "", status: int = 0) -> None:
        """status: of a code that is not documented, or another than the documented one."""
        known_status, known = ERRORS.get(code, (500, "This code is not documented."))
        self.code = code
        self.status = status or known_status
        self.message = message or known
        super().__init__(f"{code}: {self.message}")

    @classmethod
    def answering(cls, answer: str) -> "Refused":
        """The refusal in the form of ANSWER, as settings have it."""
        status, _, code = answer.partition(" ")
        return cls(code, status=int(status))


def error_body(code: str | int | None, message: str, request_id: str, shape: str = "") -> dict[str, Any]:
    """The JSON of an error: shape `ims`, or `gateway`; by default the one that the code belongs to."""
    if str(code).startswith("CTS."):
        return {"error_msg": message, "error_code": code}
    if (shape or ("gateway" if str(code).startswith("APIG") else "ims")) == "gateway":
        return {"error_msg": message, "error_code": code, "request_id": request_id}
    return {"error": {"message": message, "code": code}}
