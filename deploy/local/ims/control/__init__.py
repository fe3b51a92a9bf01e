"""The control plane under `/_emulator`: it sets the scene, scripts faults and shows what happened.

JSON in and out, no token. It belongs to the emulator; nothing of it exists in IMS. Images, servers, traces,
users and tokens are put by the calls that the modules of that name show.

    PUT /_emulator/settings
    {"active_after": 0, "traces": "in order", "copy_resource": "source", "trace_tagging": "addTag",
     "page_info": true, "clock_ahead": 3600}

    PUT /_emulator/rate-limit
    {"calls_per_second": 100, "retry_after": 1}

    POST /_emulator/faults
    {"match": {"method": "GET", "path": "/v2/cloudimages"}, "times": 1, "status": 503}

`state.settings` says what each setting is. What the settings do not name stays as it is. `POST
/_emulator/reset` forgets everything; `GET /_emulator/calls`, `events`, `images` and `traces` show what
happened. `clock_ahead` moves the clock of all services, in seconds: a job whose time has come then ends, a
trace ages, and a token that was issued may end.
"""

from deploy.local.ims.control import identity, images, scene, traces
from deploy.local.ims.control.requests import invalid_requests

__all__ = ["invalid_requests", "routes"]

routes = [route for module in (scene, images, traces, identity) for route in module.routes]
"""Of all calls of the control plane."""
