"""The function `tag_created_image`, wired: settings, edges, handler.

Serve it with `functions-framework --source main.py --target tag_created_image`.
Run as a script, this file is the operator's commands: `python main.py --help`.
"""

import gc
import os
import sys

if __name__ == "__main__":  # before the imports of serving, so that neither pays for the other
    from handlers import commands

    sys.exit(commands.main(sys.argv[1:], os.environ))

import time
from collections.abc import Callable, Mapping, Sequence

from flask import Request, Response

from handlers import delivery, image_created
from handlers.core.json_access import Json
from handlers.core.outcomes import Outcome
from handlers.core.rules.diagnostics import InvalidTable
from handlers.edges.bootstrap import sink_of, tag_api_of
from handlers.edges.cloudevents import http as binding
from handlers.edges.log import log_to_stdout
from handlers.edges.rules_file import RulesFile
from handlers.edges.settings.settings import InvalidSetting, Settings


def function_from(environ: Mapping[str, str]) -> Callable[[Request], Response]:
    """Wires the function. Raises InvalidSetting, InvalidTable or OSError, and must not serve then."""
    settings = Settings.from_environ(environ)
    log = log_to_stdout(settings.log_level)
    if settings.sends_credentials_in_clear:
        log(
            "settings.warning",
            severity="WARNING",
            why="IMS_ENDPOINT or OS_AUTH_URL is http://: anybody on the way can read the credentials",
        )
    table = RulesFile(settings.rules, log, (settings.pseudonym_key or "").encode())
    tag_api = tag_api_of(settings, log)
    sink = sink_of(settings)

    def needs_for(request: Request) -> image_created.Needs:
        api = tag_api(request.headers.get)
        return image_created.Needs(
            says=settings.says,
            table=table,
            job=api.job,
            tags_of=api.tags_of,
            add_tags=api.add_tags,
            not_ready_window=settings.not_ready_window,
            log=log,
            log_tag_values=settings.log_tag_values,
            projects=settings.projects,
        )

    def handled(request: Request, events: Sequence[Json | Exception], deadline: float) -> list[Outcome]:
        needs = needs_for(request)

        def handle(event: Json | Exception, deadline: float) -> Outcome:
            return image_created.tag_images(event, needs, deadline, binding.trace_of(request, event))

        patience = settings.invoke_retry_seconds if request.path == "/invoke" else 0
        return delivery.handled(events, handle, deadline, timeout=settings.event_timeout, patience=patience)

    def tag_created_image(request: Request) -> Response:
        """Handles one HTTP request: a delivery of events, a handshake, a health check."""
        deadline = time.monotonic() + settings.event_timeout
        tokens = settings.events_tokens().split() if settings.events_tokens else ()
        events: Sequence[Json | Exception]
        try:
            if answer := binding.answer_at_once(request, tokens):
                return answer
            events = binding.events_of(request, settings.max_body_bytes, settings.event_timeout)
        except binding.Refused as refused:
            log("request.refused", severity="WARNING", status=refused.status, why=str(refused))
            if refused.error is None or sink is None:
                return binding.refusal(refused)
            events = [refused.error]
        except Exception as error:  # noqa: BLE001 - the framework would answer 500 and the words of the error
            events = [error]
        outcomes = handled(request, events, deadline)
        outcome, kept = delivery.settled(events, outcomes, sink, deadline, log)
        return binding.reply_of(outcome, len(events), request.path, kept=kept)

    return tag_created_image


try:
    tag_created_image = function_from(os.environ)
except (InvalidSetting, InvalidTable, OSError) as fault:
    sys.exit(f"the function does not start: {fault}")

# Before the server forks: garbage collection would write to, and so copy, every page that a worker shares.
gc.freeze()
