"""The server in front of the function: gunicorn, as the Functions Framework starts it, within bounds."""

from handlers.edges.server.bounds import bound
from handlers.edges.server.connection import deadline_of

__all__ = ["bound", "deadline_of"]
