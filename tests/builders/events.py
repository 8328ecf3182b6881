"""Events to start tests from."""

from itertools import count

from roadstead.events.model import Event

_ids = count(1 << 60)


def make_event(name: str = "temperature", payload: bytes | None = b"21.5", **fields) -> Event:
    """An event of device ``a…a`` that user ``u…1`` owns."""
    defaults = {
        "id": next(_ids),
        "published_at_ms": 1_767_225_600_123,
        "device_id": "a" * 24,
        "owner_id": make_user_id(1),
    }
    return Event(name=name, payload=payload, **{**defaults, **fields})


def make_user_id(number: int) -> str:
    return f"{number:024x}"
