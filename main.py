"""Wires the functions `tag_created_image` and `keep_dead_letters` from the settings.

Serve the first with `functions-framework --source main.py --target tag_created_image`.
Run as a script, this file starts the operator's commands: `python main.py --help`.
"""

import gc
import os
import sys

if __name__ == "__main__":  # before the imports that only serving needs
    from handlers import commands

    sys.exit(commands.main(sys.argv[1:], os.environ))

from collections.abc import Callable, Mapping
from http import HTTPStatus

from flask import Request, Response

from handlers.core.budget import BODIES_IN_WORK
from handlers.core.dead_letters import Sink, kept_dead_letter
from handlers.core.errors import DeadLetterFailed
from handlers.core.json_text import plain
from handlers.core.rules import InvalidTable
from handlers.delivery import Deliveries
from handlers.edges import cloudevents, server
from handlers.edges.bodies import BodiesInWork
from handlers.edges.bootstrap import sink_of, tag_api_for
from handlers.edges.cloudevents import HttpMessage, HttpReply, RequestRefused
from handlers.edges.cloudevents.flask import answer_every_path, body_of, headers_of, response_of
from handlers.edges.log import Log, log_to_stdout
from handlers.edges.rules_file import Rules, RulesFile, rules_in
from handlers.edges.settings import (
    DeliverySettings,
    InvalidSetting,
    Settings,
    delivery_fields,
    empty,
    misspelt,
    settings_fields,
)
from handlers.image_created import Services

Function = Callable[[Request], Response]
Handle = Callable[[HttpMessage, str, float], HttpReply]
"""Answers a delivery to a path, before a deadline of `time.monotonic`. Raises RequestRefused."""


def tagging_function(environ: Mapping[str, str]) -> Function:
    """The function that tags the images of each delivery.

    Raises InvalidSetting, InvalidTable or OSError; the process must then not serve.
    """
    settings = Settings.from_environ(environ)
    log = log_to_stdout(settings.delivery.log_level)
    if settings.sends_credentials_in_clear:
        log(
            "settings.warning",
            severity="WARNING",
            detail="IMS_ENDPOINT or OS_AUTH_URL is http://, so anybody on the way can read the credentials",
        )
    key = (settings.pseudonym_key or "").encode()
    rules: Rules = (
        rules_in(settings.rules_table, key) if settings.rules_table else RulesFile(settings.rules, log, key)
    )
    api_for = tag_api_for(settings, log)
    deliveries = Deliveries(
        log,
        sink_of(settings.delivery.dead_letter_sink),
        event_timeout=settings.delivery.event_timeout,
        log_tag_values=settings.log_tag_values,
    )

    def tag(message: HttpMessage, path: str, deadline: float) -> HttpReply:
        events = cloudevents.events_in(message)
        api = api_for(message.headers)
        services = Services(
            settings.signals,
            rules,
            settings.projects,
            settings.not_ready_window,
            api.job,
            api.image,
            api.add_tags,
        )
        delivered = deliveries.handle(
            events,
            services,
            deadline,
            traceparent=message.headers.get("traceparent"),
            retry_budget=settings.invoke_retry_seconds if path == "/invoke" else 0,
        )
        return cloudevents.reply_to(delivered.outcome, delivered.events, path, stored=delivered.stored)

    table = rules()
    where = "RULES_TABLE" if settings.rules_table else str(settings.rules)
    in_use = {"rules_file": where, "rules": len(table.rules), "mode": table.mode}
    _warn(environ, log)
    return _function(settings.delivery, log, tag, settings_fields(settings) | in_use)


def keeping_function(environ: Mapping[str, str]) -> Function:
    """The function that stores the dead letters that a bus delivers, each as it came.

    Raises InvalidSetting; the process must then not serve.
    """
    settings = DeliverySettings.from_environ(environ)
    log = log_to_stdout(settings.log_level)
    sink: Sink | None = sink_of(settings.dead_letter_sink)
    if sink is None:
        raise InvalidSetting(
            "DEAD_LETTER_SINK is not set; set it to the file that stores dead letters, file:///..."
        )

    def keep(message: HttpMessage, _path: str, deadline: float) -> HttpReply:
        events = cloudevents.events_in(message, any_format=True)
        try:
            sink([kept_dead_letter(event) for event in events], deadline)
        except DeadLetterFailed as error:
            log("dead_letter.failed", severity="ERROR", reason="DeadLetterFailed", detail=str(error))
            return HttpReply(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "1"})
        log("dead_letter.kept", events=len(events))
        return HttpReply(HTTPStatus.NO_CONTENT)

    _warn(environ, log)
    return _function(settings, log, keep, delivery_fields(settings))


def _warn(environ: Mapping[str, str], log: Log) -> None:
    """Warns of settings without effect. A start that fails says why, and nothing else."""
    for warning in (*empty(environ), *misspelt(environ)):
        log("settings.warning", severity="WARNING", detail=warning)


def _function(settings: DeliverySettings, log: Log, handle: Handle, ready: Mapping[str, object]) -> Function:
    """What both functions share: health checks, handshakes and refusals. `handle` gets the deliveries.

    ready: the fields of the log line of a good start.
    """
    in_work = BodiesInWork(BODIES_IN_WORK * settings.max_body_bytes)

    def function(request: Request) -> Response:
        deadline = server.deadline_of(request.environ, settings.event_timeout)
        tokens = settings.events_tokens().split() if settings.events_tokens else ()
        try:
            headers = headers_of(request)
            if reply := cloudevents.reply_to_non_delivery(
                request.method,
                request.path,
                headers,
                request.args.get("access_token", ""),
                tokens,
            ):
                return response_of(reply)
            body = body_of(request, settings.max_body_bytes)
            with in_work.one_of(len(body), deadline):
                return response_of(handle(HttpMessage(headers, body), request.path, deadline))
        except RequestRefused as refused:
            log("request.refused", severity="WARNING", status=refused.status, detail=str(refused))
            return response_of(cloudevents.refusal(refused))

    server.bound(
        settings.event_timeout, settings.max_body_bytes, log, ready=lambda: log("function.ready", **ready)
    )
    answer_every_path(function)
    return function


TARGETS = {"tag_created_image": tagging_function, "keep_dead_letters": keeping_function}


def __getattr__(name: str) -> Function:
    """Builds the one function that the framework asks for."""
    if name not in TARGETS:
        if server.is_target(name):
            sys.stderr.write(
                f"the function does not start: there is no target {name}; take {' or '.join(TARGETS)}\n"
            )
            sys.exit(2)
        raise AttributeError(name)
    try:
        function = globals()[name] = TARGETS[name](os.environ)
    except (InvalidSetting, InvalidTable, OSError) as fault:
        # A setting that is missing may be there under a misspelt name.
        names = misspelt(os.environ) if isinstance(fault, InvalidSetting) else ()
        lines = map(plain, (*str(fault).split("\n"), *names))
        sys.stderr.write("the function does not start: " + "\n".join(lines) + "\n")
        sys.exit(2)
    # The server forks after this. Garbage collection would write to the pages that its workers share, and so
    # copy them.
    gc.freeze()
    return function
