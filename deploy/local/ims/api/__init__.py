"""What the emulated services answer: one module for each group of calls; `requests` is what they share."""

from deploy.local.ims.api import (
    copies,
    discovery,
    identity,
    image_lists,
    images,
    jobs,
    metadata,
    tag_queries,
    tags,
    traces,
)

__all__ = ["routes"]

_MODULES = (tags, tag_queries, images, image_lists, jobs, copies, traces, identity, discovery, metadata)
routes = [route for module in _MODULES for route in module.routes]
"""Of all emulated calls."""
