"""The CloudEvents HTTP binding: messages in, replies out. Only its module `flask` knows the framework."""

from handlers.edges.cloudevents.http import refusal, reply_to, reply_to_non_delivery
from handlers.edges.cloudevents.message import HttpMessage, HttpReply, RequestRefused
from handlers.edges.cloudevents.parse import events_in

__all__ = [
    "HttpMessage",
    "HttpReply",
    "RequestRefused",
    "events_in",
    "refusal",
    "reply_to",
    "reply_to_non_delivery",
]
