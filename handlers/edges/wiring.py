"""The tag API and the sink, wired from the settings. What is not set is not imported either."""

from collections.abc import Callable

from handlers.core.dead_letters import Sink
from handlers.edges.authentication import Account, Accounts, Authentication, Given, Header, Token
from handlers.edges.credentials import GivenToken
from handlers.edges.http_client import HttpClient
from handlers.edges.settings import Settings
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
    if isinstance(settings.way, GivenToken):
        token = settings.way.token
        accounts: Accounts = {None: Account(Given(lambda: Token(token())), None)}
        return lambda _header: accounts
    from handlers.edges.accounts import accounts_for  # noqa: PLC0415 - who has a token starts without it

    return accounts_for(settings, log)
