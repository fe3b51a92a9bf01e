"""Puts bounds on the server in front of the function: gunicorn, as the Functions Framework starts it."""

from handlers.edges.server.bounds import bound, is_target
from handlers.edges.server.connection import deadline_of

__all__ = ["bound", "deadline_of", "is_target"]
