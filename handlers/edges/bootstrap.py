"""The tag API and the sink, wired from the settings. What is not set is not imported either."""

from collections.abc import Callable

from handlers.core.dead_letters.attributes import Sink
from handlers.edges.credentials.auth import (
    Accounts,
    Authentication,
    Header,
    ProjectCredentials,
    StaticProvider,
    Token,
)
from handlers.edges.http.client import HttpClient
from handlers.edges.settings.credentials import StaticToken
from handlers.edges.settings.settings import Settings
from handlers.edges.tag_api import TagApi


def tag_api_of(settings: Settings, log: Callable[..., None]) -> Callable[[Header], TagApi]:
    """Gives the tag API for a request, whose headers count where FunctionGraph's keys come in them.

    Nothing of them is kept beyond the TagApi.
    """
    client = HttpClient("the tag API", "IMS_ENDPOINT", proxy=settings.proxy, ca_bundle=settings.ca_bundle)
    accounts_for = _accounts_for(settings, log)

    def tag_api(header: Header) -> TagApi:
        authentication = Authentication(accounts_for(header))
        return TagApi(settings.ims_endpoint, client, authentication, tag_form=settings.tag_form)

    return tag_api


def sink_of(settings: Settings) -> Sink | None:
    """Where dead letters go; None where the bus keeps them."""
    if not settings.dead_letter_sink:
        return None
    from handlers.edges import sinks  # noqa: PLC0415 - who has no sink starts without it

    return sinks.sink_of(settings.dead_letter_sink)


def _accounts_for(settings: Settings, log: Callable[..., None]) -> Callable[[Header], Accounts]:
    if isinstance(settings.way, StaticToken):
        token = settings.way.token
        accounts: Accounts = {None: ProjectCredentials(StaticProvider(lambda: Token(token())), None)}
        return lambda _header: accounts
    from handlers.edges.credentials.accounts import accounts_for  # noqa: PLC0415 - who has a token starts without it

    return accounts_for(settings, log)
