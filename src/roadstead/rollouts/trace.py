"""What is remembered of a device so that it can be compared with itself. Pure.

A trace takes notes of what happens to its device, each in constant time, and keeps sums by slices:
parts of a quarter of a day (UTC), cut where a stage's clock starts and where its settling ends.
Times are Unix seconds.
"""

from collections.abc import Mapping
from math import exp, log2
from typing import Any, Final

import msgspec

from roadstead.health.resets import is_unexpected
from roadstead.rollouts.failing import BOOT_LOOP_RESETS, BOOT_LOOP_S, DeviceTrace
from roadstead.rollouts.signals import QUARTER_S, Slice

GAP_BUCKETS: Final = 26
"""Half powers of two from 2 minutes up: the last begins at eight days."""

_GAP_LEAST_S: Final = 120
_GAP_MEMORY_S: Final = 7 * 86_400
"""Time after which what is known of gaps counts e times less: about two weeks are remembered."""

GAP_PERCENTILE: Final = 0.95

CONNECTED_S: Final = 60
CONNECTED_MOST: Final = 50.0
"""Seconds of a connection that weigh as much as one short gap, and the most that one may weigh."""

LEAST_GAPS: Final = 3.0
"""Weight below which nothing is known: three minutes connected, or three times away."""

UNKNOWN_GAP_S: Final = 86_400.0
"""Usual gap of a device of which nothing is known yet: a day, so that nobody is missed early."""

MOST_EMPTY_SLICES: Final = 36
"""Slices written for a device that was away: nine days, what is kept."""


class Clock(msgspec.Struct, array_like=True, gc=False):
    """A stage's clock on one device: the same for updated devices and the control.

    Attributes:
        opened_s: when the stage opened.
        start_s: first contact after that.
        settled_s: before this, nothing is graded: the time right after a start is unlike others.
        back_at_s: first sign of life after the installation had its time; 0 while there was none.
        back_from_s: when the installation has had its time.
    """

    opened_s: int
    start_s: int
    settled_s: int
    back_from_s: int
    back_at_s: int = 0


class Opening(msgspec.Struct, frozen=True, gc=False):
    """A stage that is open in a product: what devices' clocks go by."""

    rollout_id: str
    opened_s: int
    settle_s: int
    install_s: int


class Trace(msgspec.Struct, array_like=True):
    """All that is remembered of one device; see the functions below.

    Attributes:
        product_id: its product.
        online: connected, as far as it was told.
        online_at_s: since when it is connected.
        seen_s: up to when time was accounted.
        last_contact_s: last sign of life; of a connected device, when time was accounted last.
        gaps: weights of times without contact, by bucket.
        gaps_at_s: when the weights were aged last.
        clocks: by rollout.
        resets_s: the last unexpected restarts, at most three.
        boot_loop_at_s: when it last had three within an hour; 0 for never.
        published_s: last event of its application; 0 for never.
        published_days: bit n: it published n days before ``published_day``.
        published_day: day number (Unix) of the last event.
        memory_free, memory_at_s, battery, battery_at_s, transmitted, unacknowledged: last vitals;
            -1 where there was none.
        current: the slice that is being filled.
        closed: slices that are complete and not stored yet.
        version: firmware that it said last; -1 while it said none.
    """

    product_id: int
    online: bool = False
    seen_s: int = 0
    last_contact_s: int = 0
    gaps: list[float] = msgspec.field(default_factory=lambda: [0.0] * GAP_BUCKETS)
    gaps_at_s: int = 0
    clocks: dict[str, Clock] = msgspec.field(default_factory=dict)
    resets_s: list[int] = msgspec.field(default_factory=list)
    boot_loop_at_s: int = 0
    published_s: int = 0
    published_days: int = 0
    published_day: int = 0
    memory_free: int = -1
    memory_at_s: int = 0
    battery: float = -1.0
    battery_at_s: int = 0
    transmitted: int = -1
    unacknowledged: int = -1
    current: Slice | None = None
    closed: list[Slice] = msgspec.field(default_factory=list)
    online_at_s: int = 0
    version: int = -1


def account(trace: Trace, now_s: int) -> Slice:
    """Lets time pass up to ``now_s`` and gives the slice that is filled now."""
    current = trace.current
    if current is None:
        current = trace.current = Slice(start_s=now_s)
        trace.seen_s = now_s
    if now_s <= trace.seen_s:
        return current
    skipped = now_s - trace.seen_s > MOST_EMPTY_SLICES * QUARTER_S
    if skipped:
        trace.closed.append(current)
        trace.seen_s = now_s // QUARTER_S * QUARTER_S
        current = trace.current = Slice(start_s=trace.seen_s)
    cut = _next_cut(trace, trace.seen_s)
    while cut <= now_s:
        _pass(trace, current, cut)
        trace.closed.append(current)
        current = trace.current = Slice(start_s=cut)
        cut = _next_cut(trace, cut)
    _pass(trace, current, now_s)
    return current


def _pass(trace: Trace, current: Slice, until_s: int) -> None:
    passed = until_s - trace.seen_s
    current.watched_s += passed
    if trace.online:
        trace.last_contact_s = until_s
        for clock in trace.clocks.values():
            if not clock.back_at_s and until_s >= clock.back_from_s:
                clock.back_at_s = max(clock.back_from_s, trace.seen_s)
    else:
        current.offline_s += passed
    trace.seen_s = until_s


def _next_cut(trace: Trace, after_s: int) -> int:
    cut = (after_s // QUARTER_S + 1) * QUARTER_S
    for clock in trace.clocks.values():
        if after_s < clock.settled_s < cut:
            cut = clock.settled_s
    return cut


def note_contact(trace: Trace, now_s: int, openings: Mapping[str, Opening]) -> Slice:
    """A sign of life; starts the clocks of stages that opened since the last one.

    Args:
        trace: of the device.
        now_s: when.
        openings: the open stages of its product, by rollout.
    """
    current = account(trace, now_s)
    gap = now_s - trace.last_contact_s
    if trace.last_contact_s and gap > 0:
        _note_gap(trace, gap, now_s)
    trace.last_contact_s = now_s
    for clock in trace.clocks.values():
        if not clock.back_at_s and now_s >= clock.back_from_s:
            clock.back_at_s = now_s
    if trace.clocks.keys() != openings.keys() or any(
        one.opened_s != trace.clocks[key].opened_s for key, one in openings.items()
    ):
        current = _start_clocks(trace, now_s, openings)
    return current


def _start_clocks(trace: Trace, now_s: int, openings: Mapping[str, Opening]) -> Slice:
    for rollout_id in list(trace.clocks):
        if rollout_id not in openings:
            del trace.clocks[rollout_id]
    for rollout_id, opening in openings.items():
        clock = trace.clocks.get(rollout_id)
        if clock is None or clock.opened_s != opening.opened_s:
            settled_s, back_from_s = now_s + opening.settle_s, now_s + opening.install_s
            trace.clocks[rollout_id] = Clock(opening.opened_s, now_s, settled_s, back_from_s)
    return _cut_here(trace, now_s)


def _cut_here(trace: Trace, now_s: int) -> Slice:
    current = trace.current
    if current is not None and current.start_s != now_s:
        trace.closed.append(current)
        current = None
    if current is None:
        current = trace.current = Slice(start_s=now_s)
    return current


def _note_gap(trace: Trace, gap_s: int, now_s: int) -> None:
    aged = exp(-(now_s - trace.gaps_at_s) / _GAP_MEMORY_S) if trace.gaps_at_s else 1.0
    if aged < 0.99:
        trace.gaps = [weight * aged for weight in trace.gaps]
        trace.gaps_at_s = now_s
    elif not trace.gaps_at_s:
        trace.gaps_at_s = now_s
    bucket = 0 if gap_s <= _GAP_LEAST_S else 1 + int(2 * log2(gap_s / _GAP_LEAST_S))
    trace.gaps[min(bucket, GAP_BUCKETS - 1)] += 1.0


def usual_gap_s(trace: Trace) -> float:
    """The 95th percentile of its times without contact; a day while nothing is known."""
    connected = _weight_connected(trace) if trace.online else 0.0
    total = sum(trace.gaps) + connected
    if total < LEAST_GAPS:
        return UNKNOWN_GAP_S
    below = connected
    for bucket, weight in enumerate(trace.gaps):
        below += weight
        if below >= GAP_PERCENTILE * total:
            return float(_GAP_LEAST_S * 2.0 ** (bucket / 2))
    return float(_GAP_LEAST_S * 2.0 ** (GAP_BUCKETS / 2))


def _weight_connected(trace: Trace) -> float:
    """Being connected is contact after contact: so much of it counts as one short gap."""
    return min(max(trace.seen_s - trace.online_at_s, 0) / CONNECTED_S, CONNECTED_MOST)


def note_online(
    trace: Trace, now_s: int, openings: Mapping[str, Opening], version: int | None = None
) -> None:
    """The device connected.

    Args:
        trace: of the device.
        now_s: when.
        openings: the open stages of its product, by rollout.
        version: firmware that it runs; None where that is not told. The restart into another
            version is part of an update and no fault: only updated devices have it, so it would
            be held against each of them.
    """
    current = note_contact(trace, now_s, openings)
    is_update = version is not None and trace.version not in (-1, version)
    if version is not None:
        trace.version = version
    if not trace.online:
        trace.online_at_s = now_s
    trace.online = True
    if is_update:
        _forget_memory(trace)
    else:
        current.reconnects += 1


def _forget_memory(trace: Trace) -> None:
    """After a start memory is free as never before; what went since the last reading is no loss."""
    trace.memory_free = -1


def note_offline(trace: Trace, now_s: int) -> None:
    """The device is not connected any more; nothing is a sign of life here."""
    account(trace, now_s)
    if trace.online:
        trace.gaps[0] += _weight_connected(trace)
    trace.online = False


def note_published(trace: Trace, current: Slice, now_s: int) -> None:
    """An event of its application."""
    current.published += 1
    trace.published_s = now_s
    day = now_s // 86_400
    if day > trace.published_day:
        trace.published_days = (trace.published_days << min(day - trace.published_day, 16)) & 0xFF
        trace.published_day = day
    trace.published_days |= 1


def note_reset(trace: Trace, current: Slice, reason: str, now_s: int) -> None:
    """The device told why it started anew; only what nobody asked for counts."""
    if not is_unexpected(reason):
        return
    current.resets += 1
    _forget_memory(trace)
    trace.resets_s = [*trace.resets_s, now_s][-BOOT_LOOP_RESETS:]
    full = len(trace.resets_s) == BOOT_LOOP_RESETS
    if full and now_s - trace.resets_s[0] <= BOOT_LOOP_S:
        trace.boot_loop_at_s = now_s


def note_vitals(trace: Trace, current: Slice, device: Mapping[str, Any], now_s: int) -> None:
    """Vitals came: the ``device`` part of the public document."""
    memory = _at(device, "system", "memory")
    used, total = _number(memory.get("used")), _number(memory.get("total"))
    if used is not None and total is not None:
        _note_memory(trace, current, int(total - used), now_s)
    battery = _at(device, "power", "battery")
    charge = _number(battery.get("charge"))
    if charge is not None and battery.get("state") in ("discharging", "not_charging"):
        _note_battery(trace, current, charge, now_s)
    else:
        trace.battery = -1.0
    coap = _at(device, "cloud", "coap")
    sent, lost = _number(coap.get("transmit")), _number(coap.get("unack"))
    if sent is not None and lost is not None:
        _note_messages(trace, current, int(sent), int(lost))
    strength = _number(_at(device, "network", "signal").get("strength"))
    if strength is not None:
        current.strength_sum += strength
        current.strength_count += 1


def _at(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    place: Any = document
    for name in path:
        place = place.get(name) if isinstance(place, Mapping) else None
    return place if isinstance(place, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _note_memory(trace: Trace, current: Slice, free: int, now_s: int) -> None:
    since = max(trace.memory_at_s, current.start_s)
    if trace.memory_free >= 0 and now_s > since and trace.memory_at_s >= current.start_s:
        current.memory_lost_bytes += trace.memory_free - free
        current.memory_s += now_s - trace.memory_at_s
    trace.memory_free, trace.memory_at_s = free, now_s


def _note_battery(trace: Trace, current: Slice, charge: float, now_s: int) -> None:
    if trace.battery >= 0 and now_s > trace.battery_at_s >= current.start_s:
        current.battery_lost += trace.battery - charge
        current.battery_s += now_s - trace.battery_at_s
    trace.battery, trace.battery_at_s = charge, now_s


def _note_messages(trace: Trace, current: Slice, sent: int, lost: int) -> None:
    """Counters since the device's start; one that fell has begun anew."""
    anew = sent < trace.transmitted or lost < trace.unacknowledged
    if trace.transmitted >= 0:
        current.transmitted += sent if anew else sent - trace.transmitted
        current.unacknowledged += lost if anew else lost - trace.unacknowledged
    trace.transmitted, trace.unacknowledged = sent, lost


def up_to(trace: Trace, now_s: int) -> Trace:
    """The trace as it will be at ``now_s`` if nothing happens; the trace itself stays."""
    later: Trace = msgspec.msgpack.decode(msgspec.msgpack.encode(trace), type=Trace)
    account(later, now_s)
    return later


def since_clock(trace: Trace, rollout_id: str) -> DeviceTrace:
    """What the rule of failed devices asks for; of a trace that is up to date."""
    clock = trace.clocks.get(rollout_id)
    return DeviceTrace(
        clock_s=None if clock is None else clock.start_s,
        gap_s=usual_gap_s(trace),
        last_contact_s=trace.last_contact_s,
        back_at_s=(clock.back_at_s or None) if clock else None,
        boot_loop_at_s=trace.boot_loop_at_s or None,
        last_published_s=trace.published_s or None,
        published_daily=clock is not None and _published_daily(trace, clock.start_s),
    )


def _published_daily(trace: Trace, start_s: int) -> bool:
    """Whether it published on each of the three days before the clock started."""
    ago = trace.published_day - start_s // 86_400
    return all(0 <= ago + day < 8 and trace.published_days >> (ago + day) & 1 for day in (1, 2, 3))
