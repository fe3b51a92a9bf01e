"""The image service and Cloud Trace Service, as the function's settings name them."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from handlers.commands.files import UsageError
from handlers.core.ims.error_codes import Service
from handlers.edges.bootstrap import accounts_for
from handlers.edges.calls import CloudService
from handlers.edges.http.client import HttpClient
from handlers.edges.settings import FunctionGraphAgency, Settings, cts_endpoint

IMS = Service("the image service", "IMS_ENDPOINT")
CTS = Service("Cloud Trace Service", "CTS_ENDPOINT", has_images=False)

BODY_MAX = 64 * 2**20
"""Bytes. A page of 500 images has about one million."""


class Services(NamedTuple):
    """projects: those that are served. cts: None if nobody knows its address."""

    projects: tuple[str, ...]
    ims: CloudService
    cts: CloudService | None

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> Self:
        """Raises InvalidSetting or UsageError."""
        demand_own_credentials(settings)
        if not settings.projects:
            raise UsageError("images are listed by project; set PROJECTS to the ids of those that are served")
        accounts = accounts_for(settings, lambda *_, **__: None)({})

        def service(of: Service, address: str) -> CloudService:
            client = HttpClient(
                of.name, of.setting, proxy=settings.proxy, ca_bundle=settings.ca_bundle, body_max=BODY_MAX
            )
            return CloudService(address, client, accounts, of)

        traces = cts_endpoint(environ, settings.ims_endpoint)
        return cls(
            settings.projects, service(IMS, settings.ims_endpoint), service(CTS, traces) if traces else None
        )


def demand_own_credentials(settings: Settings) -> None:
    """Raises UsageError where the credentials come with requests alone."""
    if isinstance(settings.credentials, FunctionGraphAgency):
        raise UsageError(
            "the image service cannot be asked from here: FunctionGraph sends the keys with each request; "
            "set another way of handlers/settings.md"
        )
