"""A conversation with one device in memory: requests in, effects out."""

from dataclasses import dataclass, field

from roadstead.devices.model import DeviceIdentity
from roadstead.gateway import conversation
from roadstead.gateway.effects import (
    Acknowledge,
    AnswerDevice,
    AnswerUpdate,
    Ask,
    ClaimByCode,
    CloseSession,
    Count,
    Effect,
    Fail,
    FailUpdate,
    FeedUpdate,
    PublishEvent,
    Purpose,
    ReportHello,
    Respond,
    SeekUpdate,
    SetOffline,
    SetOnline,
    SetSafeMode,
    StoreApplication,
    StoreFacts,
    StoreHello,
    StoreSubscriptions,
    StoreSystem,
    StoreUpdateFlags,
    StoreVitals,
    Succeed,
    Tell,
)
from roadstead.gateway.state import DeviceState
from roadstead.protocol.coap.codes import code_text
from roadstead.protocol.coap.events import Request
from roadstead.protocol.coap.message import CON, Draft, Message
from roadstead.protocol.messages.event import DeviceEvent, encode_event
from roadstead.protocol.messages.hello import Hello, encode_hello
from roadstead.protocol.messages.subscription import DeviceSubscription, encode_subscription

DEVICE = "e00fce680000000000000001"
OWNER = "a" * 24
UNIX_S = 1_700_000_000


def make_identity(**changes: object) -> DeviceIdentity:
    facts: dict[str, object] = {
        "device_id": DEVICE,
        "spki_digest": b"d" * 32,
        "platform_id": 32,
        "owner_id": OWNER,
        "name": "fridge",
        "product_id": None,
        "quarantined": False,
    }
    return DeviceIdentity(**(facts | changes))


def make_hello(**changes: object) -> Hello:
    facts: dict[str, object] = {
        "product_id": 0xFFFF,
        "product_version": 3,
        "flags": 0xF6,
        "platform_id": 32,
        "device_id": bytes.fromhex(DEVICE),
        "system_version": 6200,
        "max_message_bytes": 1152,
        "max_binary_bytes": 1 << 20,
        "ota_chunk_bytes": 512,
    }
    return Hello(**(facts | changes))


OLD_HELLO = make_hello(
    flags=0x06, system_version=0, max_message_bytes=0, max_binary_bytes=0, ota_chunk_bytes=0
)
"""Device OS 1.5."""


def words(effects: list[Effect] | tuple[Effect, ...]) -> list[str]:
    """Effects as one short line each; what follows a commit is indented by an arrow."""
    lines: list[str] = []
    for effect in effects:
        lines.append(_word(effect))
        lines += ["> " + line for line in words(getattr(effect, "then", ()))]
    return lines


def _word(effect: Effect) -> str:
    match effect:
        case Acknowledge():
            return "ack"
        case Respond(_, draft):
            return f"answer {code_text(draft.code)}"
        case Ask(purpose, draft):
            query = "".join(f"?{value.hex()}" for number, value in draft.options if number == 15)
            return f"ask {purpose.kind} {purpose.name}{query}".rstrip()
        case Tell(draft):
            return f"tell {draft.options[0][1].decode()}"
        case PublishEvent(name=name, payload=payload, source=source):
            return f"publish {source} {name}={payload!r}"
        case SetOnline(handshake):
            return "online" + (" by handshake" if handshake else "")
        case Count(counter):
            return f"count {counter}"
        case CloseSession(reason):
            return f"close: {reason}"
        case AnswerDevice(event, fact):
            return f"tell fact {fact} by {event}"
        case Succeed(_, value):
            return f"result {value!r}"
        case Fail(_, error):
            return f"error {error.code}"
        case StoreSystem() | StoreApplication() | StoreHello() | StoreSubscriptions():
            return "store " + type(effect).__name__.removeprefix("Store").lower()
        case StoreFacts():
            return "store facts"
        case StoreUpdateFlags(enabled=enabled, forced=forced):
            return f"store flags enabled={enabled} forced={forced}"
        case StoreVitals():
            return "store vitals"
        case ClaimByCode(code=code, success=success):
            return f"claim by {code[:3]}…, then {'; '.join(words(success))}"
        case SetOffline():
            return "offline"
        case SetSafeMode():
            return "safe mode"
        case FeedUpdate():
            return "feed update"
        case AnswerUpdate(exchange):
            return f"answer of update message {exchange}"
        case FailUpdate(exchange, reason):
            return f"update message {exchange} failed: {reason}"
        case ReportHello():
            return "report hello"
        case SeekUpdate(occasion):
            return f"seek update: {occasion}"
    raise AssertionError(effect)


@dataclass
class Talk:
    """One device's conversation."""

    state: DeviceState = field(default_factory=lambda: DeviceState(DEVICE, make_identity()))
    message_id: int = 0

    def says(self, draft: Draft, *, token: bytes = b"", message_id: int | None = None) -> list[str]:
        return words(self.effects(draft, token=token, message_id=message_id))

    def effects(
        self, draft: Draft, *, token: bytes = b"", message_id: int | None = None
    ) -> list[Effect]:
        self.message_id = self.message_id + 1 if message_id is None else message_id
        message = Message(CON, draft.code, self.message_id, token, draft.options, draft.payload)
        return conversation.on_request(self.state, Request(message), UNIX_S)

    def hello(self, hello: Hello | None = None) -> list[str]:
        told = hello or make_hello()
        return self.says(encode_hello(told, announces_limits=told.system_version > 0))

    def event(self, name: str, payload: bytes | None = None) -> list[str]:
        return self.says(encode_event(DeviceEvent(name, payload)))

    def subscribes(self, prefix: str, kind: str = "text", **how: object) -> list[str]:
        return self.says(encode_subscription(DeviceSubscription(prefix, kind)), **how)

    def answers(self, purpose: Purpose, draft: Draft) -> list[str]:
        message = Message(CON, draft.code, 999, b"t", draft.options, draft.payload)
        return words(conversation.on_response(self.state, purpose, message))


def connected(hello: Hello | None = None, **identity: object) -> Talk:
    """A conversation after its Hello."""
    talk = Talk(DeviceState(DEVICE, make_identity(**identity)))
    talk.hello(hello)
    return talk
