"""Waiting for the commit of one event."""

import asyncio

from roadstead.kit.errors import DomainError, Unavailable


class CommitReceipt:
    """Given to ``EventIngest.accept`` as ``on_committed``, then waited for."""

    def __init__(self) -> None:
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, error: Exception | None) -> None:
        """Told by the journal."""
        if self._settled.done():
            return
        if error is None:
            self._settled.set_result(None)
        else:
            self._settled.set_exception(error)

    async def wait(self) -> None:
        """Returns when the event is committed.

        Raises:
            Unavailable: ``not_stored``, or what the database said; the event is lost.
        """
        try:
            await self._settled
        except DomainError:
            raise
        except Exception as error:
            raise Unavailable("not_stored", "The event could not be stored.") from error


def too_busy() -> Unavailable:
    """The journal is full: nothing was taken, and a second later there is room again."""
    return Unavailable("busy", "Too many events wait to be stored.", {"retry_after_s": 1})
