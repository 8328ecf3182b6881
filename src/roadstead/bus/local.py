"""Publish and subscribe inside one process: plain calls, in order, on the event loop."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Callback = Callable[[object], None]


class Subscription:
    """A place in the list of a topic; ``close`` gives it up."""

    __slots__ = ("_callbacks", "callback")

    def __init__(self, callbacks: list["Subscription"], callback: Callback) -> None:
        self._callbacks = callbacks
        self.callback = callback

    def close(self) -> None:
        """No message after this; closing twice is harmless."""
        if self in self._callbacks:
            self._callbacks.remove(self)


class LocalBus:
    """Topics with subscribers; a message reaches those who subscribed before it."""

    def __init__(self) -> None:
        self._topics: dict[str, list[Subscription]] = {}

    def publish(self, topic: str, message: object) -> None:
        """Calls every subscriber of ``topic`` in the order they came.

        An exception in one is logged and hurts neither the others nor the publisher.
        """
        for subscription in tuple(self._topics.get(topic, ())):
            try:
                subscription.callback(message)
            except Exception:
                log.exception("bus: a subscriber of %r failed", topic)

    def subscribe(self, topic: str, callback: Callback) -> Subscription:
        """Calls ``callback`` with every later message of ``topic``."""
        callbacks = self._topics.setdefault(topic, [])
        subscription = Subscription(callbacks, callback)
        callbacks.append(subscription)
        return subscription
