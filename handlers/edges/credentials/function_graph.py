"""Keys of a function's agency, which FunctionGraph can send with each request.

Source: "FunctionGraph user guide", on HTTP functions and custom images. The keys serve only the request that
brought them. They are neither stored nor logged.
"""

from collections.abc import Mapping

from handlers.core.errors import CredentialsRejected
from handlers.edges.credentials.auth import Credential, Token
from handlers.edges.credentials.signature import Keys

ACCESS, SECRET = "X-CFF-Security-Access-Key", "X-CFF-Security-Secret-Key"
SECURITY_TOKEN, TOKEN = "X-CFF-Security-Token", "X-CFF-Auth-Token"


def credential_in(headers: Mapping[str, str]) -> Credential:
    """The credential in the headers, names in lower case. Raises CredentialsRejected if there is none."""
    access, secret, security_token, token = (
        # A sample of the vendor uses this word for an absent value.
        "" if (value := headers.get(name.lower(), "").strip()) == "null" else value
        for name in (ACCESS, SECRET, SECURITY_TOKEN, TOKEN)
    )
    # Keys first, because the token is only for the function's own project.
    if access and secret:
        return Keys(access, secret, security_token)
    if token:
        return Token(token)
    raise CredentialsRejected(
        f"the request has no header {ACCESS}; give the function an agency and set it to include keys,"
        " and wait ten minutes after a change"
    )
