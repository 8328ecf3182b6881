"""Identities of devices seen lately: what lets a handshake or message go without a query.

Entries leave when somebody announces a change of the device or its key, in whichever process that
was done.
"""

from roadstead.devices.model import DeviceIdentity

MAX_ENTRIES = 200_000
"""Identities kept: twice the devices of one process, some 400 bytes each. The oldest goes first."""

MAX_UNKNOWN = 10_000
"""Unknown keys remembered, so that strangers who knock for ever cost no queries and no memory."""

UNKNOWN_AGE_S = 30.0
"""Seconds for which an unknown key is remembered; devices knock every few seconds."""


class IdentityCache:
    """Identities by device id and by key digest.

    ``epoch`` grows with every change that the cache is told. Who fills it notes the epoch before
    reading the database and hands it over: what was read before a change is then not kept.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._by_id: dict[str, DeviceIdentity] = {}
        self._by_digest: dict[bytes, DeviceIdentity] = {}
        self._digests: dict[str, set[bytes]] = {}
        self._unknown: dict[bytes, float] = {}

    def find(self, device_id: str) -> DeviceIdentity | None:
        """The identity kept for this id."""
        return self._by_id.get(device_id)

    def find_by_digest(self, digest: bytes) -> DeviceIdentity | None:
        """The identity kept for the key with this SHA-256."""
        return self._by_digest.get(digest)

    def is_unknown(self, digest: bytes, now: float) -> bool:
        """True when this key was lately looked for in vain; ``now`` in monotonic seconds."""
        since = self._unknown.get(digest)
        return since is not None and now - since < UNKNOWN_AGE_S

    def put(self, identity: DeviceIdentity, *, epoch: int) -> None:
        """Keeps what was found by id."""
        if epoch == self.epoch:
            self._make_room(self._by_id)
            self._by_id[identity.device_id] = identity

    def put_for_digest(self, digest: bytes, identity: DeviceIdentity, *, epoch: int) -> None:
        """Keeps what was found by key."""
        if epoch == self.epoch:
            self._make_room(self._by_digest)
            self._by_digest[digest] = identity
            self._digests.setdefault(identity.device_id, set()).add(digest)

    def put_unknown(self, digest: bytes, now: float, *, epoch: int) -> None:
        """Remembers that nobody has this key."""
        if epoch == self.epoch:
            if len(self._unknown) >= MAX_UNKNOWN:
                self._unknown.clear()
            self._unknown[digest] = now

    def drop(self, device_id: str) -> None:
        """Something about the device changed."""
        self.epoch += 1
        self._forget(device_id)

    def drop_keys(self, device_id: str) -> None:
        """The device has a new key, which may be one that was unknown until now."""
        self.drop(device_id)
        self._unknown.clear()

    def _make_room(self, entries: dict[str, DeviceIdentity] | dict[bytes, DeviceIdentity]) -> None:
        if len(entries) >= MAX_ENTRIES:
            self._forget(next(iter(entries.values())).device_id)

    def _forget(self, device_id: str) -> None:
        self._by_id.pop(device_id, None)
        for digest in self._digests.pop(device_id, ()):
            self._by_digest.pop(digest, None)
