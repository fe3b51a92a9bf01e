"""The tag API, wired from the settings."""

from collections.abc import Callable

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


def _accounts_for(settings: Settings, log: Callable[..., None]) -> Callable[[Header], Accounts]:
    if isinstance(settings.way, GivenToken):
        token = settings.way.token
        accounts: Accounts = {None: Account(Given(lambda: Token(token())), None)}
        return lambda _header: accounts
    # Here, so that who has a token starts without what it takes to get one.
    from handlers.edges.accounts import accounts_for  # noqa: PLC0415 - see above

    return accounts_for(settings, log)
