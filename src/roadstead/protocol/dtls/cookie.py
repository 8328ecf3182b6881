"""Cookies that prove a return path without any state at the server. Spec: RFC 6347 §4.2.1."""

import hmac

COOKIE_BYTES = 32

COOKIE_PERIOD_S = 300
"""How long one secret makes cookies; it is accepted for as long again. A device shows its cookie
within 45 s or not at all."""


class CookieJar:
    """Makes and checks cookies; holds nothing but the secret.

    Workers that share a port share the secret and, being on one machine, the monotonic clock.

    Args:
        secret: at least 16 random bytes.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, address: tuple[str, int], client_random: bytes, now: float) -> bytes:
        """The cookie for this address and ClientHello, 32 bytes."""
        return self._compute(address, client_random, int(now // COOKIE_PERIOD_S))

    def accepts(
        self, cookie: bytes, address: tuple[str, int], client_random: bytes, now: float
    ) -> bool:
        """True for a cookie of this period or the one before; compared in constant time."""
        if len(cookie) != COOKIE_BYTES:
            return False
        period = int(now // COOKIE_PERIOD_S)
        return any(
            hmac.compare_digest(cookie, self._compute(address, client_random, each))
            for each in (period, period - 1)
        )

    def _compute(self, address: tuple[str, int], client_random: bytes, period: int) -> bytes:
        host = address[0].encode()
        bound = period.to_bytes(8, "big", signed=True) + address[1].to_bytes(2, "big")
        return hmac.digest(self._secret, bound + client_random + host, "sha256")
