"""What the emulated services remember. It knows no HTTP."""

from deploy.local.ims.state.identity import Identity
from deploy.local.ims.state.images import PROJECT_ID, REGION, USER, UUID, Cloud, Image, Settings, Token
from deploy.local.ims.state.jobs import Job, Jobs

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
]
