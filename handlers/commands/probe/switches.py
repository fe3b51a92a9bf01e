"""What the vendors do not publish, and a profile says of one cloud. Pure.

The names and values are those of the emulator's settings, which a profile sets. Nothing else gets into a
profile: a value that does not fit its row is not shared.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from handlers.core.ims.limits import COMMON


class Switch(NamedTuple):
    """about: what it is, for people. fits: whether a value has the form that is shared. words: the value for
    people.
    """

    about: str
    fits: Callable[[Any], bool]
    words: Callable[[Any], str] = str


def _one_of(*values: object) -> Callable[[Any], bool]:
    return lambda value: any(
        value is each or (value == each and type(value) is type(each)) for each in values
    )


def _matching(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_FLAG = _one_of(True, False)
_REFUSAL = _matching(r"[45][0-9]{2}( [A-Z]{2,8}\.[0-9]{4})?")
TRACE_NAME = _matching("[a-z][A-Za-z]{2,39}")
_PATH = r"[A-Za-z_]+(\.[A-Za-z_]+)*"
_PLACE = rf"(resource_id|response\.{_PATH})"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


SWITCHES: Mapping[str, Switch] = {
    "tag_separator": Switch("an image lists a tag as", _one_of("=", "."), lambda it: f"key{it}value"),
    "page_info": Switch("a page of images names the next one", _FLAG, _yes),
    "unknown_image_shown": Switch("a query for an unknown image is refused with", _REFUSAL),
    "unknown_image_tagged": Switch("tagging an unknown image is refused with", _REFUSAL),
    "unknown_job": Switch("a query for an unknown job is refused with", _REFUSAL),
    "batch_call": Switch("the batch call is known", _FLAG, _yes),
    "readable_after": Switch(
        "a tag can be read",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        lambda it: f"within {it:g} s" if it else "at once",
    ),
    "taggable_before_active": Switch("an image takes tags before it is active", _FLAG, _yes),
    "malformed_tag": Switch("a malformed tag is refused with", _REFUSAL),
    "key_length": Switch(
        "longest key",
        _one_of(36, 43, 128),
        lambda it: {36: "less than 37 characters", 43: "37 to 43 characters"}.get(
            it, "44 characters or more"
        ),
    ),
    "value_length": Switch(
        "longest value",
        _one_of(43, 255),
        lambda it: "less than 44 characters" if it == COMMON.value_length else "44 characters or more",
    ),
    "dots_in_keys": Switch("a key may have a dot", _FLAG, _yes),
    "dots_in_values": Switch("a value may have a dot", _FLAG, _yes),
    "tags_max": Switch(
        "tags that an image can have",
        _one_of(10, 20),
        lambda it: "10 or less" if it == COMMON.tags else "more than 10",
    ),
    "full_image": Switch("the eleventh tag is refused with", _REFUSAL),
    "traces_on": Switch("Cloud Trace Service records", _FLAG, _yes),
    "trace_bodies": Switch("a trace has request and response as", _one_of("text", "objects")),
    "trace_marker_on_last_page": Switch("the last page of traces has a marker", _FLAG, _yes),
    "creation_trace": Switch("a job that creates an image leaves traces named", TRACE_NAME),
    "first_trace_names_image": Switch("the first of its two traces names the image", _FLAG, _yes),
    "image_id_in_trace": Switch("the second has the image id at", _matching(rf"{_PLACE}( {_PLACE})*")),
    "copy_resource": Switch("the resource of the traces of a copy is the", _one_of("source", "copy")),
    "job_image_id": Switch("the answer about a job has the image id at", _matching(_PATH)),
    "trace_tagging": Switch("tagging leaves a trace named", TRACE_NAME),
}

REASONS: Mapping[str, str] = {
    "skipped": "its step was left out by --skip",
    "no-image": "it needs --image",
    "no-quota": "it needs --quota",
    "no-right": "the credentials lack the right",
    "no-room": "the image has 10 tags or more, so there is no room for another",
    "no-removal": "a tag could not be removed again, so none was written",
    "not-tagged": "the image did not take the tag",
    "is-active": "the image is active already; name one that is being made",
    "no-tags": "no image has a tag with a value",
    "one-image": "the project has less than two images",
    "no-traces": "no trace can be read",
    "nothing-recorded": "no trace of the last seven days shows it, with an image that still exists",
    "taken": "it was taken",
    "too-late": "it was not to be seen in the time that the probe waits",
    "no-calls": "the calls were used up; run the probe again",
    "unclear": "the answer does not say it",
    "not-shared": "it has a form that is not shared",
}
"""Why a switch is not observable: a word for the profile, and a sentence for people."""
