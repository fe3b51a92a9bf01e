"""Accounts for every way but a given token: where its credentials come from, and what guards them."""

from collections.abc import Callable

from handlers.core.fields import Json
from handlers.edges.authentication import Account, Accounts, Given, Header
from handlers.edges.credentials import GivenKeys, Metadata, Password
from handlers.edges.function_graph import credential_in
from handlers.edges.lockout import LockOut
from handlers.edges.metadata import MetadataService
from handlers.edges.renewal import Renewed
from handlers.edges.settings import Settings
from handlers.edges.signature import Keys
from handlers.edges.tokens import TokenService


def accounts_for(settings: Settings, log: Callable[..., None]) -> Callable[[Header], Accounts]:
    """Gives the accounts for a request, whose headers count for FunctionGraph alone."""
    lockout = LockOut(log)
    match settings.way:
        case GivenKeys(access, secret, security_token):

            def keys() -> Keys:
                return Keys(access(), secret(), security_token() if security_token else "")

            accounts: Accounts = {None: Account(Given(keys), lockout)}
        case Metadata(address):
            accounts = {None: Account(Renewed(MetadataService(address).keys, log), lockout)}
        case Password() as user:
            accounts = _by_project(user, settings, log)
        case _:
            return lambda header: {None: Account(Given(lambda: credential_in(header)), lockout)}
    return lambda _header: accounts


def _by_project(user: Password, settings: Settings, log: Callable[..., None]) -> Accounts:
    """One token a project: a scope is part of a token. What can be locked is the password behind them."""
    service = TokenService(user, log, proxy=settings.proxy, ca_bundle=settings.ca_bundle)

    def account(project: Json) -> Account:
        return Account(Renewed(lambda deadline: service.token_for(project, deadline), log), None)

    if not settings.projects:
        return {None: account({"name": user.project_name})}
    return {project_id: account({"id": project_id}) for project_id in settings.projects}
