"""The bounds of the server, and the way in which gunicorn gets them.

The Functions Framework starts gunicorn without a bound on the request line, and has no option for one. Its
`load_config` passes options to gunicorn. Ours are added there when the framework imports the function.
"""

from collections.abc import Callable
from typing import Any

import click
from functions_framework._http.gunicorn import GunicornApplication

from handlers.edges.log import Log
from handlers.edges.server.gunicorn_log import GunicornLog
from handlers.edges.server.refusals import FIELD_MAX, FIELDS_MAX, LINE_MAX
from handlers.edges.server.worker import Bounds, Worker
from handlers.edges.settings.parsers import InvalidSetting

CONNECTIONS_MAX = 500
"""Connections of a worker: half of the 1024 files that a process may usually open. Calls need the others."""

_OPTIONS = {
    "worker_class": Worker,
    "worker_connections": CONNECTIONS_MAX,
    "limit_request_line": LINE_MAX,
    "limit_request_fields": FIELDS_MAX,
    "limit_request_field_size": FIELD_MAX,
    "logger_class": GunicornLog,
    "control_socket_disable": True,
    "forwarded_allow_ips": "",  # nothing here asks what a proxy says, and gunicorn refuses what contradicts
}
_OTHER_SERVERS = {"debug": "DEBUG", "asgi": "FUNCTION_USE_ASGI"}
"""Options of the framework that select another server, each with its environment variable."""


def is_target(name: str) -> bool:
    """Whether the framework has been told to serve the function of this name."""
    context = click.get_current_context(silent=True)
    return context is not None and context.params.get("target") == name


def bound(timeout: float, body_bytes: int, log: Log, ready: Callable[[], None]) -> None:
    """Sets the bounds of the server that the framework will start.

    timeout: seconds from the first byte of a request to its last. body_bytes: the size of the largest body.
    ready: called once, when the server listens and before it starts its workers.
    Raises InvalidSetting if the framework will start another server.
    """
    context = click.get_current_context(silent=True)  # of the framework's command
    for option, variable in _OTHER_SERVERS.items():
        if context and context.params.get(option):
            raise InvalidSetting(
                f"{variable} or --{option} is set; unset it, because it starts a server without any bounds"
            )
    Worker.bounds = Bounds(timeout, body_bytes, log)
    GunicornLog.line = staticmethod(log)
    given = GunicornApplication.load_config

    def load_config(application: Any) -> None:
        given(application)  # type: ignore[no-untyped-call]  # gunicorn gives it no types
        for name, value in _OPTIONS.items():
            application.cfg.set(name, value)
        application.cfg.set("when_ready", lambda _server: ready())

    GunicornApplication.load_config = load_config  # type: ignore[method-assign]  # the one way in
