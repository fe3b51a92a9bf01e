"""The control plane under `/_emulator`: it sets the scene, scripts faults and shows what happened.

JSON in and out, no token. It belongs to the emulator; nothing of it exists in IMS.
"""

from deploy.local.ims.control import faults, identity, images, scene, traces
from deploy.local.ims.control.requests import invalid_requests

__all__ = ["invalid_requests", "routes"]

routes = [route for module in (scene, faults, images, traces, identity) for route in module.routes]
"""Of all calls of the control plane."""
