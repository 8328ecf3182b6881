"""An authenticator app: codes by time, reckoned apart from the server's own. Spec: RFC 6238."""

import base64
import hmac
import time

STEP_S = 30


class Authenticator:
    """Codes for one secret; each of them is shown once, because a server takes each once.

    A server takes the codes of the step before, of this one and of the next. This app starts with
    the first of them and gives three, so that a test need not wait for the next half minute.

    Args:
        secret: as enrolment gave it, base32.
    """

    def __init__(self, secret: str) -> None:
        self._key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        left_s = STEP_S - time.time() % STEP_S
        if left_s < 5:
            time.sleep(left_s)
        self._step = int(time.time() // STEP_S) - 1

    def code(self) -> str:
        """A code that was not shown before."""
        step, self._step = self._step, self._step + 1
        digest = hmac.digest(self._key, step.to_bytes(8, "big"), "sha1")
        offset = digest[-1] & 15
        number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
        return f"{number % 1_000_000:06d}"
