"""What the emulated services remember. It knows no HTTP."""

from deploy.local.ims.state.identity import Identity
from deploy.local.ims.state.images import PROJECT_ID, REGION, USER, UUID, Cloud, Image, Token
from deploy.local.ims.state.jobs import Job, Jobs
from deploy.local.ims.state.settings import Settings
from deploy.local.ims.state.traces import Traces

__all__ = [
    "PROJECT_ID",
    "REGION",
    "USER",
    "UUID",
    "Cloud",
    "Identity",
    "Image",
    "Job",
    "Jobs",
    "Settings",
    "Token",
    "Traces",
]
