"""What was observed means for the settings, and contradicts in the function's tables. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from handlers.commands.probe.answers import Observed, error_class
from handlers.core.errors import ImageNotFound, ImageNotReady, TagApiError, TagQuotaExceeded, TagRefused
from handlers.core.events.cts import CREATIONS, IDS
from handlers.core.ims.limits import COMMON
from handlers.core.outcomes import row_for

JOB_PLACES = {"entities.image_id", "entities.sub_jobs_result.entities.image_id"}
"""Where `core.events.jobs` looks for the ids of images."""

EXPECTED: dict[str, tuple[str, type[TagApiError]]] = {
    "unknown_image_shown": ("A query for an image that does not exist", ImageNotFound),
    "unknown_image_tagged": ("Tagging an image that does not exist", ImageNotFound),
    "malformed_tag": ("A malformed tag", TagRefused),
    "full_image": ("One tag more than an image can have", TagQuotaExceeded),
    "not_ready": ("Tagging an image that is not active yet", ImageNotReady),
}
"""What is refused -> in words, and as which error the function should read it."""


class Line(NamedTuple):
    """A line to write. where: "environment", "rules" or "[outcomes]", the last two in the rules table."""

    where: str
    line: str
    why: str


def lines(observed: Observed) -> list[Line]:
    """The lines of settings that fit this cloud."""
    return [*_tag_form(observed), *_limits(observed), *_traces(observed), *_outcomes(observed)]


def _tag_form(observed: Observed) -> Iterator[Line]:
    known, may = observed.values.get("batch_call"), observed.rights["batch"]
    if known and may:
        yield Line("environment", "TAG_FORM=batch", "one call for all tags of an image; it is known here")
    elif known is False:
        yield Line("environment", "TAG_FORM=image_tag", "the call for several tags is not known here")


def _limits(observed: Observed) -> Iterator[Line]:
    """The widest of the published variants that allows nothing that was refused here."""
    values = observed.values
    if not {"key_length", "value_length", "dots_in_keys", "dots_in_values"} <= values.keys():
        return
    longest = COMMON.value_length
    is_long = values["key_length"] > longest and values["value_length"] > longest
    many = values.get("tags_max", COMMON.tags) > COMMON.tags
    if is_long and values["dots_in_keys"] and values["dots_in_values"] and many:
        yield Line(
            "rules", 'limits = "huawei-cn-new"', "long keys and values, dots and more than 10 tags are taken"
        )
    elif values["dots_in_values"]:
        yield Line("rules", 'limits = "huawei"', "a value may have a dot")
    else:
        yield Line("rules", 'limits = "common"', "a value may not have a dot")


def _traces(observed: Observed) -> Iterator[Line]:
    name = observed.values.get("creation_trace")
    if name and name not in CREATIONS:
        names = " ".join((*CREATIONS, name))
        yield Line("environment", f'IMAGE_CREATED_TRACES="{names}"', f"images are created by {name} here")


def _outcomes(observed: Observed) -> Iterator[Line]:
    for name, refusal, expected, read in _misread(observed):
        code = refusal.partition(" ")[2]
        wanted = row_for(expected("")).action
        if code and row_for(read("")).action.partition("-")[0] != wanted.partition("-")[0]:
            outcome = "dead-letter" if wanted == "dead-letter" else "retry"
            why = f"{EXPECTED[name][0].lower()} is refused with it"
            yield Line("[outcomes]", f'"{code}" = "{outcome}"', why)


def contradictions(observed: Observed) -> list[str]:
    """What the function's tables have otherwise, each in the words of a bug report."""
    found = [
        f"{EXPECTED[name][0]} is answered {refusal}. The function reads this as {read.__name__}; "
        f"handlers/core/ims/error_codes.py should read it as {expected.__name__}."
        for name, refusal, expected, read in _misread(observed)
    ]
    places = observed.seen.get("image_id_places")
    if places and not set(places) & set(IDS):
        found.append(
            f"The second trace of a created image has the image's id at {' and '.join(places)}. The function "
            "does not look there; handlers/core/events/cts.py should."
        )
    places = observed.seen.get("job_image_id_places")
    if places and not set(places) & JOB_PLACES:
        found.append(
            f"The answer about a job has the image's id at {' and '.join(places)}. The function does not "
            "look there; handlers/core/events/jobs.py should."
        )
    name = observed.values.get("creation_trace")
    if name and name not in CREATIONS:
        found.append(
            f"A job that creates an image leaves traces named {name}. The default of IMAGE_CREATED_TRACES "
            "lacks that name; handlers/edges/settings/settings.py should have it."
        )
    return found


def _misread(observed: Observed) -> Iterator[tuple[str, str, type[TagApiError], type[TagApiError]]]:
    """What is refused, with what, as which error it should be read, and as which it is."""
    for name, (_, expected) in EXPECTED.items():
        refusal = observed.values.get(name) or observed.seen.get(name)
        if refusal and not issubclass(read := error_class(refusal), expected):
            yield name, refusal, expected, read
