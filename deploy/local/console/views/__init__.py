"""The views: each a page, the fragments in it that change, and what its buttons do."""

from deploy.local.console.views import dead_letters, events, faults, images, rules, sending, stream
from deploy.local.console.views.page import failures, static

__all__ = ["failures", "routes"]

routes = [
    *(
        route
        for module in (events, rules, sending, faults, images, dead_letters, stream)
        for route in module.routes
    ),
    static,
]
"""Of all views."""
