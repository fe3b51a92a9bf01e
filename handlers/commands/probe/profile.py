"""The profile: what was observed of a cloud, without names, ids, addresses and texts. Pure.

It is the contract with the emulator, `python -m deploy.local.ims --profile FILE`, which shares no code with
it:

    {"profile": 1,
     "rights": {"get": true, "update": true, "list": true, "jobs": true, "traces": false, "batch": true},
     "cloud": {"tag_separator": "=", "unknown_image_shown": "404", "unknown_image_tagged": "400 IMG.0027"},
     "not_observed": {"traces_on": "no-right"},
     "seen": {"calls": 31, "trace_names": ["createImage"]}}

The members of `cloud` are rows of `switches.SWITCHES`, each with the name and a value of a setting of the
emulator; each row is either there or in `not_observed`, with a key of `switches.REASONS`. `rights` are true,
false, or null if unknown. `seen` is for people: numbers, booleans, and words of fixed lists.
"""

from typing import Any

from handlers.commands.probe.answers import Observed
from handlers.commands.probe.switches import SWITCHES

VERSION = 1


def profile_of(observed: Observed, calls: int) -> dict[str, Any]:
    """The profile. What does not fit the rows of SWITCHES is left out. calls: how many were made."""
    cloud, missing = dict[str, Any](), dict[str, str]()
    for name, switch in SWITCHES.items():
        if name not in observed.values:
            missing[name] = observed.reasons.get(name, "unclear")
        elif switch.fits(value := observed.values[name]):
            cloud[name] = value
        else:
            missing[name] = "not-shared"
    return {
        "profile": VERSION,
        "rights": observed.rights,
        "cloud": cloud,
        "not_observed": missing,
        "seen": {"calls": calls, **observed.seen},
    }
