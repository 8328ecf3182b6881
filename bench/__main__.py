"""Runs all measurements: ``python -m bench [--quick] [--only LETTERS]``."""

import argparse
import sys
import time

from bench import (
    crypto_floor,
    events,
    fleet,
    handshakes,
    history,
    machine,
    memory_and_restart,
    product_devices,
    streams,
    targets,
    updates,
    webhooks,
)
from bench.method import METHOD
from bench.report import Figure, Report

PARTS = "abcdefghjkl"


def main() -> int:
    """Measures, prints the table, and writes docs/performance.md if everything was measured."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", default=PARTS, help="parts to measure, e.g. bd")
    options = parser.parse_args()
    machine.take_load_core()
    began = time.monotonic()
    report = Report(machine.describe(), options.quick, _conditions())
    for part in ("a", "b", "ce", "d", "ef", "g", "h", "j", "k", "l"):
        if any(letter in options.only for letter in part):
            _say(f"measuring ({part})")
            report.figures += _measure(part, options.quick)
    report.figures.sort(key=lambda figure: figure.part)
    report.took_s = time.monotonic() - began
    report.show()
    if set(options.only) >= set(PARTS):
        report.write(METHOD)
    return 0


def _measure(part: str, quick: bool) -> list[Figure]:
    rounds, round_s = (3, 1.0) if quick else (5, 2.0)
    if part == "a":
        floor = crypto_floor.measure(rounds, 0.3 if quick else 1.0)
        return [floor, handshakes.measure(rounds, 500 if quick else 2000, floor)]
    if part == "b":
        return events.measure(rounds, round_s)
    if part == "ce":
        return memory_and_restart.measure(10_000 if quick else 50_000, 1 if quick else 3)
    if part == "g":
        return updates.measure(300 if quick else 2000, 1.0)
    if part == "h":
        return webhooks.measure(2.0 if quick else 5.0)
    if part == "d":
        return streams.measure(rounds, round_s)
    if part == "k":
        return history.measure(500_000 if quick else 10_000_000, rounds)
    if part == "l":
        size = 20_000 if quick else 1_000_000
        return product_devices.measure(size, (size,) if quick else (100_000, size))
    if part == "j":
        return targets.measure(rounds, round_s / 2, 10_000 if quick else 100_000)
    return fleet.measure(500 if quick else 10_000, rounds, round_s)


def _conditions() -> list[str]:
    pinned = (
        f"The program under test runs on core {machine.SERVER_CORE}, the load generator on core "
        f"{machine.LOAD_CORE}."
        if machine.PINNED_APART
        else "There is one core: program and load generator share it, and every rate is too low."
    )
    shares = (
        "CPU shares are those of the two processes on their cores. Where neither is near 100 %, "
        "something else used the cores or both waited for the disk; the last column is what the "
        "server did in a second of processor time that it really had."
    )
    conditions = [pinned, shares]
    if not events.mosquitto_peer.is_installed():
        conditions.append("Mosquitto is not installed; its lines are missing.")
    return conditions


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
