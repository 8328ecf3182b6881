"""Bridges to brokers: events go out, commands come in; each bridge keeps one connection."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from roadstead.events.model import Event
from roadstead.integrations.broker_address import find_broker
from roadstead.integrations.commands import Commands
from roadstead.integrations.masking import masked_url, redacted, secrets_of
from roadstead.integrations.matching import HookIndex
from roadstead.integrations.model import Integration, MqttSettings
from roadstead.integrations.sending import Prepared, host_of, logged_body
from roadstead.integrations.template import TemplateFailure, render
from roadstead.integrations.variables import default_fields, variables
from roadstead.kit.errors import DomainError
from roadstead.outbound.http_messages import HttpAnswer, HttpFailure

if TYPE_CHECKING:
    import aiomqtt

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT_S = 20.0
"""Seconds until the broker must have taken a message."""

CONNECT_WAIT_S = 10.0
"""Seconds that a delivery waits for a connection that is being made."""

CONNECT_TIMEOUT_S = 8.0
KEEP_ALIVE_S = 30
FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 60.0
"""Seconds between attempts to connect; each is twice as long as the one before."""

CONNECTING_AT_ONCE = 2
"""The library connects in threads that others need too."""

MAX_TOPIC_BYTES = 1024
MAX_COMMAND_BYTES = 4096
"""Longest argument or data of a command; devices take a kilobyte."""

COMMANDS_WAITING = 100
"""Commands of one bridge that may wait; a broker that sends more loses them."""

COMMANDS_AT_ONCE = 8


class Bridge:
    """One integration's connection.

    Attributes:
        connected: set while messages can go.
        problem: why there is no connection, in words for its owner.
        commands, commands_dropped: commands so far.
    """

    def __init__(
        self, hook: Integration, commands: Commands, connecting: asyncio.Semaphore, private: bool
    ) -> None:
        assert isinstance(hook.settings, MqttSettings)
        self.hook = hook
        self.settings = hook.settings
        self.connected = asyncio.Event()
        self.problem: HttpFailure | None = None
        self.commands = 0
        self.commands_dropped = 0
        self._commands = commands
        self._connecting = connecting
        self._private = private
        self._client: aiomqtt.Client | None = None
        self._topics: dict[str, str] = {}
        for kind, pattern in (
            ("call", self.settings.call_topic),
            ("publish", self.settings.publish_topic),
        ):
            if pattern:
                self._topics[kind] = pattern

    async def run(self) -> None:
        """Keeps the connection until it is cancelled."""
        import aiomqtt

        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._live()
                pause_s = FIRST_PAUSE_S
            except HttpFailure as failure:
                self.problem = failure
            except aiomqtt.MqttError as error:
                self.problem = HttpFailure("unreachable", f"no connection to the broker: {error}")
            except (OSError, ValueError) as error:
                self.problem = HttpFailure("unreachable", f"no connection to the broker: {error}")
            if self.connected.is_set():
                pause_s = FIRST_PAUSE_S
            self.connected.clear()
            self._client = None
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publishes a message; returns when the broker has it.

        Raises:
            HttpFailure: it has not.
        """
        import aiomqtt

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_WAIT_S):
                await self.connected.wait()
        client = self._client
        if client is None or not self.connected.is_set():
            raise self.problem or HttpFailure("unreachable", "no connection to the broker")
        try:
            await client.publish(
                topic,
                payload,
                qos=self.settings.qos,
                retain=self.settings.retain,
                timeout=PUBLISH_TIMEOUT_S,
            )
        except aiomqtt.MqttError as error:
            raise HttpFailure("broken", f"the broker did not take the message: {error}") from error

    async def _live(self) -> None:
        import aiomqtt

        settings = self.settings
        async with self._connecting:
            where = await find_broker(
                settings.url,
                allow_private=self._private,
                verify=settings.verify_tls,
                ca=settings.ca,
            )
            auth = settings.auth
            client = aiomqtt.Client(
                where.host,
                where.port,
                username=(auth.username or None) if auth else None,
                password=(auth.password or None) if auth else None,
                identifier=settings.client_id or f"roadstead-{self.hook.id}",
                timeout=CONNECT_TIMEOUT_S,
                keepalive=KEEP_ALIVE_S,
                tls_context=where.tls,
                tls_insecure=None if where.tls is None else not settings.verify_tls,
                max_queued_incoming_messages=COMMANDS_WAITING,
                logger=_QUIET,
            )
            await client.__aenter__()
        try:
            for kind, pattern in self._topics.items():
                topic = "/".join("+" if part[:1] == "{" else part for part in pattern.split("/"))
                await client.subscribe(topic, qos=1)
                log.debug("bridge %s follows %s (%s)", self.hook.id, topic, kind)
            self._client, self.problem = client, None
            self.connected.set()
            async with asyncio.TaskGroup() as tasks:
                free = asyncio.Semaphore(COMMANDS_AT_ONCE)
                async for message in client.messages:
                    await free.acquire()
                    task = tasks.create_task(self._obey(str(message.topic), message.payload))
                    task.add_done_callback(lambda _: free.release())
        except* aiomqtt.MqttError as errors:
            raise errors.exceptions[0] from None
        finally:
            self.connected.clear()
            with contextlib.suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)

    async def _obey(self, topic: str, payload: Any) -> None:
        data = payload if isinstance(payload, bytes) else b""
        for kind, pattern in self._topics.items():
            named = match_topic(pattern, topic)
            if named is None:
                continue
            self.commands += 1
            if len(data) > MAX_COMMAND_BYTES:
                self.commands_dropped += 1
                return
            try:
                if kind == "publish":
                    await self._commands.publish(self.hook.owner, named["event"], data)
                else:
                    await self._call(named, data)
            except DomainError as error:
                log.info("bridge %s: a command was refused: %s", self.hook.id, error.message)
            except Exception:
                log.exception("bridge %s: a command failed by a fault of the server", self.hook.id)
            return

    async def _call(self, named: dict[str, str], data: bytes) -> None:
        device, function = named["device"], named["function"]
        reply: dict[str, object] = {"device": device, "function": function, "ok": True}
        try:
            argument = data.decode("utf-8", "replace")
            reply["return_value"] = await self._commands.call(
                self.hook.owner, device, function, argument
            )
        except DomainError as error:
            reply |= {"ok": False, "error": error.code, "error_description": error.message}
        if self.settings.reply_topic:
            with contextlib.suppress(HttpFailure, TemplateFailure):
                topic = safe_topic(render(self.settings.reply_topic, named))
                await self.publish(topic, msgspec.json.encode(reply))


class MqttSender:
    """Sends events over bridges, and keeps a bridge for each integration of this kind.

    Args:
        hooks: all integrations.
        commands: carries out what brokers ask.
        allow_private: whether brokers may have private addresses.
    """

    def __init__(self, hooks: HookIndex, commands: Commands, *, allow_private: bool) -> None:
        self._hooks = hooks
        self._commands = commands
        self._allow_private = allow_private
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self._bridges: dict[str, tuple[Bridge, asyncio.Task[None]]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def connected(self) -> int:
        """Bridges with a connection."""
        return sum(bridge.connected.is_set() for bridge, _ in self._bridges.values())

    async def run(self) -> None:
        """Keeps all bridges until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for hook in self._hooks.all():
                self.on_changed(hook.id)
            await asyncio.Event().wait()

    def on_changed(self, hook_id: str) -> None:
        """The index has another version of this integration, or has it no longer."""
        hook = self._hooks.get(hook_id)
        known = self._bridges.pop(hook_id, None)
        if known is not None:
            known[1].cancel()
        if hook is None or hook.kind != "Mqtt" or hook.disabled or self._tasks is None:
            return
        bridge = Bridge(hook, self._commands, self._connecting, self._allow_private)
        self._bridges[hook_id] = bridge, self._tasks.create_task(_guarded(bridge))

    def prepare(self, hook: Integration, events: Sequence[Event], message_id: str) -> Prepared:
        """The message that tells of an event."""
        settings = hook.settings
        assert isinstance(settings, MqttSettings)
        values = variables(events[0])
        topic = safe_topic(render(settings.topic, values))
        if settings.body is None:
            payload = msgspec.json.encode(default_fields(events[0]))
        else:
            payload = render(settings.body, values).encode("utf-8", "replace")
        secrets = tuple(secrets_of(msgspec.to_builtins(settings)))
        record = {
            "method": "PUBLISH",
            "url": redacted(masked_url(settings.url), secrets),
            "topic": redacted(topic, secrets),
            "qos": settings.qos,
            "body": logged_body(payload, secrets),
        }
        return Prepared(host_of(settings.url), record, (topic, payload), secrets)

    async def send(self, hook: Integration, prepared: Prepared) -> HttpAnswer:
        """Publishes it."""
        known = self._bridges.get(hook.id)
        if known is None:
            raise HttpFailure("unreachable", "the bridge to the broker is not running")
        assert isinstance(prepared.content, tuple)
        topic, payload = prepared.content
        await known[0].publish(topic, payload)
        return HttpAnswer(200, {}, b"")


def match_topic(pattern: str, topic: str) -> dict[str, str] | None:
    """The named levels of a topic; None when it does not fit.

    Args:
        pattern: ``a/{device}/b``.
        topic: as a message came on it.
    """
    wanted, levels = pattern.split("/"), topic.split("/")
    if len(wanted) != len(levels):
        return None
    named = {}
    for part, level in zip(wanted, levels, strict=True):
        if part[:1] == "{":
            named[part.strip("{}")] = level
        elif part != level:
            return None
    return named


def safe_topic(topic: str) -> str:
    """A topic that can be published to: what must not be in one becomes ``_``.

    Raises:
        TemplateFailure: it is empty or too long.
    """
    clean = "".join("_" if one in "+#" or ord(one) < 0x20 else one for one in topic)
    if not clean or len(clean.encode("utf-8", "replace")) > MAX_TOPIC_BYTES:
        raise TemplateFailure(f"the topic must have 1 to {MAX_TOPIC_BYTES} bytes")
    return clean


async def _guarded(bridge: Bridge) -> None:
    try:
        await bridge.run()
    except Exception:
        log.exception("bridge %s ended by a fault of the server", bridge.hook.id)


_QUIET = logging.getLogger("roadstead.mqtt")
"""The library's own words, of which the owner sees the last one as the delivery's error."""

_QUIET.setLevel(logging.CRITICAL)
