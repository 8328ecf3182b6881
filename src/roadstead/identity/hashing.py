"""Password hashing: argon2id in a small thread pool of its own, with a bounded queue.

Hashing costs tens of milliseconds and tens of megabytes on purpose. Threads of its own keep a wave
of logins from slowing what devices wait for, and the bound keeps it from eating the memory.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import Parameters, PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from roadstead.kit.errors import TooMany

MAX_WAITING = 64
"""Hashes that may wait for a thread; at 60 ms each by two threads, the last waits two seconds."""

RETRY_AFTER_S = 2
"""Seconds after which a caller who found the queue full may come back."""

DEFAULT_PARAMETERS = Parameters(
    type=Type.ID,
    version=19,
    salt_len=16,
    hash_len=32,
    time_cost=2,
    memory_cost=46 * 1024,
    parallelism=1,
)
"""46 MiB, two passes, one lane: twice the work of the OWASP recommendation of 2024 (46 MiB, one
pass), about 60 ms of one core. One lane, because the other core has devices to serve."""

Result = TypeVar("Result")


class PasswordHashing:
    """Hashes and checks passwords away from the event loop."""

    def __init__(self, parameters: Parameters = DEFAULT_PARAMETERS, *, threads: int = 2) -> None:
        self._parameters = parameters
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._waiting = 0
        self._nobody = _hash_of_nobody(parameters)

    async def hash(self, password: str) -> str:
        """A new salted hash in PHC text form.

        Raises:
            TooMany: ``busy`` when too many hashes are waiting.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; as slow for None (no such user) as for any.

        Raises:
            TooMany: ``busy`` when too many hashes are waiting.
        """
        return await self._run(lambda: self._matches(password, password_hash or self._nobody))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Ends the threads; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MAX_WAITING:
            raise TooMany(
                "busy",
                "Too many logins at once; try again in a moment.",
                {"retry_after_s": RETRY_AFTER_S},
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _hash_of_nobody(parameters: Parameters) -> str:
    """A well-formed hash that no password has, checked in place of a missing one."""
    salt = b64encode(bytes(parameters.salt_len)).decode().rstrip("=")
    digest = b64encode(bytes(parameters.hash_len)).decode().rstrip("=")
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${costs}${salt}${digest}"
