"""Accounts for every way but a given token: where its credentials come from, and what guards them."""

from collections.abc import Callable

from handlers.core.json_access import Json
from handlers.edges.credentials.auth import Accounts, Header, ProjectCredentials, StaticProvider
from handlers.edges.credentials.ecs import MetadataService
from handlers.edges.credentials.function_graph import credential_in
from handlers.edges.credentials.iam import TokenService
from handlers.edges.credentials.lockout import Lockout
from handlers.edges.credentials.refreshing import RefreshingProvider
from handlers.edges.credentials.signature import Keys
from handlers.edges.settings.credentials import EcsAgency, Password, StaticKeys
from handlers.edges.settings.settings import Settings


def accounts_for(settings: Settings, log: Callable[..., None]) -> Callable[[Header], Accounts]:
    """Gives the accounts for a request, whose headers count for FunctionGraph alone."""
    lockout = Lockout(log)
    match settings.way:
        case StaticKeys(access, secret, security_token):

            def keys() -> Keys:
                return Keys(access(), secret(), security_token() if security_token else "")

            accounts: Accounts = {None: ProjectCredentials(StaticProvider(keys), lockout)}
        case EcsAgency(address):
            accounts = {
                None: ProjectCredentials(RefreshingProvider(MetadataService(address).keys, log), lockout)
            }
        case Password() as user:
            accounts = _by_project(user, settings, log)
        case _:
            return lambda header: {
                None: ProjectCredentials(StaticProvider(lambda: credential_in(header)), lockout)
            }
    return lambda _header: accounts


def _by_project(user: Password, settings: Settings, log: Callable[..., None]) -> Accounts:
    """One token a project: a scope is part of a token. What can be locked is the password behind them."""
    service = TokenService(user, log, proxy=settings.proxy, ca_bundle=settings.ca_bundle)

    def account(project: Json) -> ProjectCredentials:
        return ProjectCredentials(
            RefreshingProvider(lambda deadline: service.token_for(project, deadline), log), None
        )

    if not settings.projects:
        return {None: account({"name": user.project_name})}
    return {project_id: account({"id": project_id}) for project_id in settings.projects}
