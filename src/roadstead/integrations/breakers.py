"""The breakers of all hosts and hooks, in memory: seen, asked before each request, reset.

A host's breaker belongs to one owner: what somebody else's hooks do at the same host neither puts
it to sleep for this owner nor tells them of each other. After a restart all are closed, and a host
that is still ill is found out again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from roadstead.integrations.breaker import (
    Breaker,
    Go,
    Wait,
    admit,
    give_back,
    hook_rule,
    host_rule,
    record,
)
from roadstead.integrations.model import Integration, Owner

MAX_HOSTS = 10_000
"""Hosts remembered: a templated URL may name any number of them."""

CLOSED = Breaker()


class HostKey(NamedTuple):
    """A host, as one owner's hooks see it."""

    owner: Owner
    host: str


@dataclass(frozen=True, slots=True)
class Admission:
    """What must be reported back about a request.

    Attributes:
        host: None when no host is involved.
        host_probe, hook_probe: whether it decides about the breaker.
    """

    hook: Integration
    host: HostKey | None
    host_probe: bool
    hook_probe: bool


class Held(NamedTuple):
    """No request now.

    Attributes:
        until_s: monotonic seconds.
        reason: ``host_asleep`` or ``breaker_open``.
    """

    until_s: float
    reason: str


class Turn(NamedTuple):
    """A breaker opened, or closed after it was open.

    Attributes:
        paused: it opened.
        host: the host that sleeps or woke; None for the hook's own breaker.
        failures: requests that failed in a row.
    """

    paused: bool
    host: str | None
    failures: int


class Breakers:
    """All of them.

    Args:
        monotonic: the time in seconds.
        scale: shrinks the pauses, for tests and measurements.
        turned: told of each hook that is paused from now on, by its own breaker or because its
            host sleeps (None), and of each that is sent to again.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        scale: float = 1.0,
        turned: Callable[[Integration, Turn], None] | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._turned = turned
        self._scale = scale
        self._hosts: dict[HostKey, Breaker] = {}
        self._hooks: dict[str, Breaker] = {}

    def admit(self, hook: Integration, host: str | None) -> Admission | Held:
        """Whether a request of this hook to this host may go now."""
        now_s = self._monotonic()
        of_hook = admit(self.of_hook(hook.id), now_s)
        if isinstance(of_hook, Wait):
            return Held(of_hook.until_s, "breaker_open")
        key = HostKey(hook.owner, host) if host else None
        of_host = admit(self._hosts.get(key, CLOSED), now_s) if key else Go(CLOSED)
        if isinstance(of_host, Wait):
            return Held(of_host.until_s, "host_asleep")
        self._put_hook(hook.id, of_hook.breaker)
        if key:
            self._put_host(key, of_host.breaker)
        return Admission(hook, key, of_host.probe, of_hook.probe)

    def record(self, admission: Admission, *, ok: bool) -> bool:
        """Reports how a request ended; True when it decided about what others wait for."""
        now_s, scale = self._monotonic(), self._scale
        hook, key = admission.hook, admission.host
        before = self.of_hook(hook.id)
        opens = hook_rule(hook.settings.breaker_failures)
        after = record(
            before, ok=ok, probe=admission.hook_probe, now_s=now_s, opens=opens, scale=scale
        )
        self._put_hook(hook.id, after)
        self._tell(hook, before, after, None)
        decided = before.state == "probing" != after.state
        if key:
            before = self._hosts.get(key, CLOSED)
            probe = admission.host_probe
            after = record(before, ok=ok, probe=probe, now_s=now_s, opens=host_rule, scale=scale)
            self._put_host(key, after)
            self._tell(hook, before, after, key.host)
            decided = decided or before.state == "probing" != after.state
        return decided

    def give_back(self, admission: Admission) -> None:
        """The request was not sent after all, and so decides nothing."""
        now_s = self._monotonic()
        if admission.hook_probe:
            self._put_hook(admission.hook.id, give_back(self.of_hook(admission.hook.id), now_s))
        if admission.host_probe and admission.host:
            known = self._hosts.get(admission.host, CLOSED)
            self._put_host(admission.host, give_back(known, now_s))

    def of_hook(self, hook_id: str) -> Breaker:
        """A hook's breaker."""
        return self._hooks.get(hook_id, CLOSED)

    def hosts_of(self, owner: Owner) -> dict[str, Breaker]:
        """The hosts of an owner of which anything is known."""
        return {key.host: one for key, one in self._hosts.items() if key.owner == owner}

    def reset(self, hook: Integration) -> None:
        """Closes a hook's breaker, and those of all hosts of its owner that are asleep."""
        self._tell(hook, self._hooks.pop(hook.id, CLOSED), CLOSED, None)
        for key in [k for k, one in self._hosts.items() if k.owner == hook.owner]:
            if self._hosts[key].state != "closed":
                self._tell(hook, self._hosts.pop(key), CLOSED, key.host)

    def open_counts(self) -> tuple[int, int]:
        """Numbers of hooks and of hosts whose breakers are not closed."""
        hooks = sum(one.state != "closed" for one in self._hooks.values())
        return hooks, sum(one.state != "closed" for one in self._hosts.values())

    def _tell(self, hook: Integration, before: Breaker, after: Breaker, host: str | None) -> None:
        if self._turned is None or (before.state == "closed") == (after.state == "closed"):
            return
        self._turned(hook, Turn(after.state != "closed", host, before.in_a_row + 1))

    def _put_hook(self, hook_id: str, breaker: Breaker) -> None:
        if breaker == CLOSED:
            self._hooks.pop(hook_id, None)
        else:
            self._hooks[hook_id] = breaker

    def _put_host(self, key: HostKey, breaker: Breaker) -> None:
        # The oldest goes: dictionaries keep the order in which keys came.
        if key not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            del self._hosts[next(iter(self._hosts))]
        self._hosts[key] = breaker
