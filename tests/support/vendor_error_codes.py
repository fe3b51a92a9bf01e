"""What the vendor documents of answers, as data: `tests/core/ims/error_codes.toml`, from its pages."""

import tomllib
from typing import NamedTuple

from handlers.core import errors
from handlers.core.errors import TagApiError
from tests.support.paths import ROOT

_PAGES = tomllib.loads((ROOT / "tests" / "core" / "ims" / "error_codes.toml").read_text(encoding="utf-8"))


class Documented(NamedTuple):
    """One answer. code: "" where only the status counts. says: the vendor's text in short."""

    status: int
    code: str
    says: str
    error: type[TagApiError]

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.says}"


def _error(name: str) -> type[TagApiError]:
    error: type[TagApiError] = getattr(errors, name)
    return error


IMS = [
    Documented(400, f"IMG.{code}", row["says"], _error(row["error"]))
    for row in _PAGES["ims"]
    for code in row["codes"].split()
]

IMS_OTHERS = [tuple(map(int, span.split("-"))) for span in _PAGES["ims_others"].split()]
"""First and last number of codes of other operations, among which those of IMS may be."""

GATEWAY = [
    Documented(row["status"], f"{prefix}.{code}", row["says"], _error(row["error"]))
    for row in _PAGES["gateway"]
    for code in row["codes"].split()
    for prefix in ("APIG", "APIGW")
]

SEEN = [Documented(row["status"], row["code"], row["says"], _error(row["error"])) for row in _PAGES["seen"]]

STATUSES = [Documented(row["status"], "", row["says"], _error(row["error"])) for row in _PAGES["statuses"]]

_BY_STATUS = {answer.status: answer.error for answer in STATUSES}
_BY_CLASS = {row["first"]: _error(row["error"]) for row in _PAGES["classes"]}


def error_of_status(status: int) -> type[TagApiError]:
    """What a status of HTTP stands for where no known code decides."""
    return _BY_STATUS.get(status) or _BY_CLASS[status // 100]
