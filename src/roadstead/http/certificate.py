"""The certificate of the HTTP edge: read at the start, and again when the operator says so."""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

import uvicorn

from roadstead.kit.errors import Unavailable

log = logging.getLogger(__name__)


def load_certificate(config: uvicorn.Config, cert: Path, key: Path) -> Callable[[], None]:
    """Reads the files that ``config`` names; gives what reads them again.

    A bad pair at a later reading is logged and leaves the old one in use; open connections go on.

    Raises:
        Unavailable: ``certificate_unusable``.
    """
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise Unavailable(
            "certificate_unusable", f"The certificate {cert} with the key {key} fails: {error}."
        ) from error
    in_use = config.ssl
    assert in_use is not None

    def reload() -> None:
        try:
            # A trial first: a half-loaded pair would break the one in use.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
            in_use.load_cert_chain(cert, key)
            log.info("read the certificate %s again", cert)
        except OSError as error:
            log.error("the certificate %s was not read again: %s", cert, error)

    return reload
