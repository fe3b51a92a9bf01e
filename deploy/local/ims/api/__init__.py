"""What the emulated services answer: one module for each group of calls; `requests` is what they share."""

from deploy.local.ims.api import copies, identity, image_lists, images, jobs, metadata, tags

__all__ = ["routes"]

routes = [
    route
    for module in (tags, images, image_lists, jobs, copies, identity, metadata)
    for route in module.routes
]
"""Of all emulated calls."""
