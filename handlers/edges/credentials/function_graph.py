"""Keys of a function's agency, which FunctionGraph sends along with each request where it is told to.

Source: "FunctionGraph user guide", on HTTP functions and custom images. They are used for the request that
brought them, and neither kept nor logged.
"""

from collections.abc import Mapping

from handlers.core.errors import CredentialsRejected
from handlers.edges.credentials.auth import Credential, Token
from handlers.edges.credentials.signature import Keys

ACCESS, SECRET = "X-CFF-Security-Access-Key", "X-CFF-Security-Secret-Key"
SECURITY_TOKEN, TOKEN = "X-CFF-Security-Token", "X-CFF-Auth-Token"


def credential_in(headers: Mapping[str, str]) -> Credential:
    """headers: names in lower case. Raises CredentialsRejected where the request has none."""
    access, secret, security_token, token = (
        # The word is how a sample of the vendor tells that there is nothing.
        "" if (value := headers.get(name.lower(), "").strip()) == "null" else value
        for name in (ACCESS, SECRET, SECURITY_TOKEN, TOKEN)
    )
    # Keys first: the token is for the function's own project alone.
    if access and secret:
        return Keys(access, secret, security_token)
    if token:
        return Token(token)
    raise CredentialsRejected(
        f"the request has no header {ACCESS}; give the function an agency and set it to include keys,"
        " and wait ten minutes after a change"
    )
