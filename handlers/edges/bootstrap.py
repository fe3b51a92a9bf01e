"""Builds the edges from the settings, and imports only what the settings need."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from handlers.core.dead_letters import Sink
from handlers.core.ims.error_codes import TAG_API
from handlers.edges.calls import CloudService
from handlers.edges.credentials.auth import Accounts, ProjectCredentials, StaticProvider, Token
from handlers.edges.http.client import HttpClient
from handlers.edges.settings import FunctionGraphAgency, Settings, StaticToken
from handlers.edges.tag_api import TagApi

TagApiFor = Callable[[Mapping[str, str]], TagApi]
"""Returns the tag API for a request. Its headers, names in lower case, hold the keys of FunctionGraph."""


def tag_api_for(settings: Settings, log: Callable[..., None]) -> TagApiFor:
    """Builds the tag API. Headers live only as long as the TagApi that was built from them."""
    client = HttpClient(TAG_API.name, TAG_API.setting, proxy=settings.proxy, ca_bundle=settings.ca_bundle)

    def tag_api(accounts: Accounts) -> TagApi:
        return TagApi(CloudService(settings.ims_endpoint, client, accounts), tag_form=settings.tag_form)

    accounts = accounts_for(settings, log)
    if isinstance(settings.credentials, FunctionGraphAgency):
        return lambda headers: tag_api(accounts(headers))
    for_all = tag_api(accounts({}))
    return lambda _headers: for_all


def accounts_for(settings: Settings, log: Callable[..., None]) -> Callable[[Mapping[str, str]], Accounts]:
    """Returns the accounts for a request by its headers. They are the same for all but on FunctionGraph."""
    if isinstance(settings.credentials, StaticToken):
        provider = StaticProvider(partial(Token.now, settings.credentials.token))
        by_token: Accounts = {None: ProjectCredentials(provider, None)}
        return lambda _headers: by_token
    from handlers.edges.credentials import accounts  # noqa: PLC0415 - a token does not need it

    if by_request := accounts.accounts_by_request(settings, log):
        return by_request
    for_all = accounts.accounts_of(settings, log)
    return lambda _headers: for_all


def sink_of(place: Path | str | None) -> Sink | None:
    """The sink for dead letters; None if the bus stores them."""
    if not place:
        return None
    from handlers.edges import sinks  # noqa: PLC0415 - not every function has a sink

    return sinks.sink_of(place)
