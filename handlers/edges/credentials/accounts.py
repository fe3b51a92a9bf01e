"""The credentials of each project, for every source but a static token."""

from collections.abc import Callable, Mapping

from handlers.core.json_access import Json
from handlers.edges.credentials.auth import Accounts, ProjectCredentials, StaticProvider
from handlers.edges.credentials.function_graph import credential_in
from handlers.edges.credentials.iam import TokenService
from handlers.edges.credentials.lockout import Lockout
from handlers.edges.credentials.metadata_service import MetadataService
from handlers.edges.credentials.refreshing import RefreshingProvider
from handlers.edges.credentials.signature import Keys
from handlers.edges.settings import EcsAgency, FunctionGraphAgency, Password, Settings, StaticKeys


def accounts_of(settings: Settings, log: Callable[..., None]) -> Accounts:
    """The accounts for all requests; none for FunctionGraph, which sends keys with each request."""
    match settings.credentials:
        case StaticKeys(access, secret, security_token):

            def keys() -> Keys:
                return Keys(access(), secret(), security_token() if security_token else "")

            return {None: ProjectCredentials(StaticProvider(keys), Lockout(log))}
        case EcsAgency(address):
            provider = RefreshingProvider(MetadataService(address).keys, log)
            return {None: ProjectCredentials(provider, Lockout(log))}
        case Password() as user:
            return _by_project(user, settings, log)
    return {}


def accounts_by_request(
    settings: Settings, log: Callable[..., None]
) -> Callable[[Mapping[str, str]], Accounts] | None:
    """Returns the accounts for a request of FunctionGraph by its headers, names in lower case.

    None for every other source of credentials.
    """
    if not isinstance(settings.credentials, FunctionGraphAgency):
        return None
    lockout = Lockout(log)
    return lambda headers: {None: ProjectCredentials(StaticProvider(lambda: credential_in(headers)), lockout)}


def _by_project(user: Password, settings: Settings, log: Callable[..., None]) -> Accounts:
    """One token for each project, because a token has one scope. Only the password can be locked."""
    service = TokenService(user, log, proxy=settings.proxy, ca_bundle=settings.ca_bundle)

    def account(project: Json) -> ProjectCredentials:
        provider = RefreshingProvider(lambda deadline: service.token_for(project, deadline), log)
        return ProjectCredentials(provider, None)

    if not settings.projects:
        return {None: account({"name": user.project_name})}
    return {project_id: account({"id": project_id}) for project_id in settings.projects}
