"""A profile: what somebody has seen of a real cloud, for an emulator that answers as it does.

A profile is the JSON that `python main.py probe` writes, and all that the two share. `handlers/probe.md`
describes it for people. It is an object with `"profile": 1` and, under `cloud`, settings of the emulator by
their names (`state.settings`), and three of the traces (`state.traces`) under the names of TRACES. What it
does not hold stays as it is here by default. Its other members (`rights`, `not_observed`, `seen`) are for
people.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from deploy.local.ims.fields import OBJECT, Fields, InvalidControlRequest, checked, fields_of
from deploy.local.ims.state import Settings
from deploy.local.ims.state.traces import TraceSettings

VERSION = 1
TRACES = {"traces_on": "on", "trace_bodies": "bodies", "trace_marker_on_last_page": "marker_on_last_page"}
"""A member of `cloud` -> the setting of the traces that it is."""

_CLOUD: Fields = {
    **fields_of(Settings),
    **{name: fields_of(TraceSettings)[setting] for name, setting in TRACES.items()},
}
_PROFILE: Fields = {
    "profile": (lambda version: version == VERSION, f"{VERSION}, the version that this emulator knows"),
    "rights": OBJECT,
    "cloud": OBJECT,
    "not_observed": OBJECT,
    "seen": OBJECT,
}


class InvalidProfile(ValueError):
    """The message is one sentence for the person who named the profile."""


class Scene(NamedTuple):
    """How the emulated services behave when they start, and after a reset."""

    settings: Settings = Settings()
    traces: TraceSettings = TraceSettings()


def scene_of(path: Path) -> Scene:
    """What the profile in a file says. Raises `InvalidProfile`."""
    try:
        given = json.loads(path.read_bytes())
    except OSError as problem:
        raise InvalidProfile(f"{path} cannot be read: {problem.strerror}.") from None
    except (ValueError, RecursionError):
        raise InvalidProfile(f"{path} is no profile: it is not JSON.") from None
    try:
        cloud = _cloud(given)
    except InvalidControlRequest as invalid:
        raise InvalidProfile(f"{path} is no profile of this version: {invalid}") from None
    of_traces = {setting: cloud.pop(name) for name, setting in TRACES.items() if name in cloud}
    return Scene(replace(Settings(), **cloud), replace(TraceSettings(), **of_traces))


def _cloud(given: object) -> dict[str, Any]:
    profile = checked("A profile", given, _PROFILE)
    if "profile" not in profile:
        raise InvalidControlRequest("It does not say its version, as 'profile'.")
    return dict(checked("The cloud of a profile", profile.get("cloud", {}), _CLOUD))
