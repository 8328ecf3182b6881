"""Says once a minute per device or key that it was refused, and counts every time.

A device with a wrong key comes back for ever, and anybody can send handshakes: the log must name
each of them and must not be filled by any of them.
"""

import logging
from collections import OrderedDict

log = logging.getLogger(__name__)

REPEAT_AFTER_S = 60.0
"""Seconds until the same refusal is written again."""

REMEMBERED = 4096
"""Refusals remembered at once; the oldest is forgotten first, so that memory stays bounded."""


class RefusalLog:
    """The log lines of refusals, at most one per subject in ``REPEAT_AFTER_S`` seconds."""

    def __init__(self) -> None:
        self._written: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, subject: str, reason: str, address: str, now: float) -> bool:
        """Notes one refusal; True when a line was written.

        Args:
            subject: device id, or the start of the key's SHA-256.
            reason: what was wrong, as a short phrase.
            address: where it came from, as text.
            now: monotonic seconds.
        """
        key = f"{subject}|{reason}"
        written_at, silent = self._written.get(key, (float("-inf"), 0))
        if now - written_at < REPEAT_AFTER_S:
            self._written[key] = (written_at, silent + 1)
            return False
        self._written[key] = (now, 0)
        self._written.move_to_end(key)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        again = f" ({silent} more since the last line)" if silent else ""
        log.warning("refused %s from %s: %s%s", subject, address, reason, again)
        return True
