"""The OAuth clients that the official tools carry in their published sources.

They are public: knowing such a pair proves nothing and gives nothing beyond the right to try a
password. They are listed so that the tools log in unchanged.

Source: particle cloud notes §2.1; clients notes §2.
"""

import hmac

PUBLIC_CLIENTS: dict[str, str] = {
    "particle": "particle",
    "particle-api": "particle-api",
    "particle-cli": "particle-cli",
    "spark": "spark",
}
"""Client id to client secret, of the documentation's examples, the SDK, the CLI, and old tools."""


def find_client(client_id: str, secret: str) -> str | None:
    """The client id when the pair is known, in a time that does not depend on which is wrong."""
    presented = _pair(client_id, secret)
    found: str | None = None
    for known_id, known_secret in PUBLIC_CLIENTS.items():
        if hmac.compare_digest(presented, _pair(known_id, known_secret)):
            found = known_id
    return found


def _pair(client_id: str, secret: str) -> bytes:
    # The length keeps ("ab", "c") and ("a", "bc") apart; lone surrogates must not raise here.
    encoded_id = client_id.encode("utf-8", "surrogatepass")
    return b"%d:%b%b" % (len(encoded_id), encoded_id, secret.encode("utf-8", "surrogatepass"))
