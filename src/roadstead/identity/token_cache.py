"""Recently seen tokens: what lets a request know its caller without a query.

An entry leaves as soon as its token is revoked or its user changes, in whichever process that was
done, and at the latest after ``MAX_AGE_S``.
"""

from dataclasses import dataclass
from datetime import datetime

from roadstead.identity.model import Actor

MAX_ENTRIES = 50_000
"""Tokens kept at once, about 30 MB; the oldest entry goes first."""

MAX_AGE_S = 60.0
"""Seconds until an entry is read again, should a word of its change ever be missed."""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a request needs to know of a valid token.

    Attributes:
        actor: who presents it, without an address.
    """

    actor: Actor
    digest: bytes
    expires_at: datetime | None


class TokenCache:
    """Token facts by digest.

    ``epoch`` grows with every change that it is told. Who fills the cache from the database notes
    the epoch before reading and hands it over: facts read before a change are then not kept.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._entries: dict[bytes, tuple[TokenFacts, float]] = {}
        self._by_user: dict[str, set[bytes]] = {}

    def find(self, digest: bytes, now: float) -> TokenFacts | None:
        """The facts of this token, if they are kept and fresh; ``now`` in monotonic seconds."""
        entry = self._entries.get(digest)
        if entry is None or now - entry[1] > MAX_AGE_S:
            return None
        return entry[0]

    def put(self, facts: TokenFacts, now: float, *, epoch: int) -> None:
        """Keeps facts that were read when the epoch was ``epoch``."""
        if epoch != self.epoch:
            return
        self._remove(facts.digest)
        if len(self._entries) >= MAX_ENTRIES:
            self._remove(next(iter(self._entries)))
        self._entries[facts.digest] = (facts, now)
        self._by_user.setdefault(facts.actor.user_id, set()).add(facts.digest)

    def drop_token(self, digest: bytes) -> None:
        """The token was revoked."""
        self.epoch += 1
        self._remove(digest)

    def drop_user(self, user_id: str) -> None:
        """Something about the user changed."""
        self.epoch += 1
        for digest in tuple(self._by_user.get(user_id, ())):
            self._remove(digest)

    def clear(self) -> None:
        """Many tokens changed."""
        self.epoch += 1
        self._entries.clear()
        self._by_user.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _remove(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is None:
            return
        digests = self._by_user[entry[0].actor.user_id]
        digests.discard(digest)
        if not digests:
            del self._by_user[entry[0].actor.user_id]
