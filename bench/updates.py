"""(g) A release that goes out at once: a fleet takes an image, restarts and says hello with it."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from bench import machine, seeding
from bench.fleet import ConnectedFleet
from bench.report import Aim, Figure
from bench.server import Server
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.images.image_builder import build_user_module

IMAGE_BYTES = 128 * 1024
CHUNK_BYTES = 1136
RECORD_BYTES = CHUNK_BYTES + 13
"""A chunk as a message: header, path, number and marker beside its content."""

UNLIMITED = "10000000000"
"""Bytes per second: what the machine can do, not what it is told to do, is measured."""

VERSION = 2
AIM = 0.25
"""Share of the byte floor that an update of a whole fleet should reach, restarts included."""


def measure(devices: int, floor_s: float) -> list[Figure]:
    """Devices per minute from the release until the last says hello with the version."""
    floor = _floor_bytes_per_s(floor_s)
    with Server(update_bytes_per_s=UNLIMITED) as server:
        _set_plan(server)
        identities = seeding.add_keyed_devices(server.folder, devices, server.owner_id, seed=7)
        server.start()
        api = httpx.Client(
            base_url=server.api_url,
            headers={"Authorization": f"Bearer {server.log_in()}"},
            trust_env=False,
            timeout=60,
        )
        product_id = _make_product(api)
        seeding.add_members(server.folder, product_id, [one.text_id for one in identities])
        with ConnectedFleet(identities, server) as fleet:
            fleet.ask("connect")
            outcome = _release(api, product_id, server, fleet)
    per_minute = devices / outcome.took_s * 60
    per_core = per_minute / outcome.server_share
    floor_per_minute = floor / IMAGE_BYTES * 60
    return [
        Figure(
            "g",
            f"byte floor: AES-CCM and one UDP datagram for each {CHUNK_BYTES} bytes",
            [floor / 1e6],
            "MB/s",
            beside=f"{floor_per_minute:,.0f} images of {IMAGE_BYTES // 1024} KiB per minute",
        ),
        Figure(
            "g",
            f"immediate release to {devices:,} connected devices, {IMAGE_BYTES // 1024} KiB each",
            [per_minute],
            "devices/min",
            beside=f"{per_minute / floor_per_minute:.0%} of the floor; all in "
            f"{outcome.took_s:.1f} s, {outcome.sent_mb:,.0f} MB sent, "
            f"peak memory +{outcome.peak_mb:.0f} MB; {per_core:,.0f} per minute of a whole core",
            aim=Aim(AIM * floor_per_minute, of="the byte floor"),
            shares=(outcome.server_share, outcome.load_share),
            why="Beside the bytes a chunk costs its share of acknowledgements, windows, timers and "
            "rows, and each device a restart; where other programs use the cores, more.",
        ),
        Figure(
            "g",
            f"processor time of the server for one device's update of {IMAGE_BYTES // 1024} KiB",
            [outcome.server_s / devices * 1e3],
            "ms",
            beside=f"{outcome.load_s / devices * 1e3:.2f} ms of the simulated device; "
            f"the floor alone {IMAGE_BYTES / floor * 1e3:.2f} ms",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Outcome:
    took_s: float
    sent_mb: float
    peak_mb: float
    server_share: float
    load_share: float
    server_s: float
    load_s: float


def _release(api: httpx.Client, product_id: int, server: Server, fleet: ConnectedFleet) -> _Outcome:
    before_mb = machine.private_bytes(server.pid) / 1e6
    machine.forget_peak(server.pid)
    server_s, load_s = machine.cpu_s(server.pid), machine.cpu_s(fleet.pid)
    began = time.perf_counter()
    wish = {
        "version": VERSION,
        "product_default": True,
        "intelligent": True,
        "override_reason": "a measurement",
    }
    api.put(f"/v1/products/{product_id}/firmware/release", json=wish).raise_for_status()
    fleet.ask(f"update {VERSION}")
    took_s = time.perf_counter() - began
    server_s = machine.cpu_s(server.pid) - server_s
    load_s = machine.cpu_s(fleet.pid) - load_s
    sent = _metric(api, "roadstead_gateway_update_bytes_sent_total")
    peak_mb = machine.peak_bytes(server.pid) / 1e6 - before_mb
    shares = server_s / took_s, load_s / took_s
    return _Outcome(took_s, sent / 1e6, peak_mb, *shares, server_s, load_s)


def _metric(api: httpx.Client, name: str) -> float:
    for line in api.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    raise RuntimeError(f"no metric {name}")


def _set_plan(server: Server) -> None:
    program = (sys.executable, "-c", "from roadstead.cli import main; main()")
    plan = ("plan", "set", server.email, "enterprise", "--data-dir", str(server.folder))
    subprocess.run([*program, *plan], check=True, stdout=subprocess.DEVNULL)


def _make_product(api: httpx.Client) -> int:
    """A product with one version, uploaded as people do."""
    body = {"product": {"name": "Bench", "platform_id": seeding.ARGON}}
    created = api.post("/v1/products", json=body).raise_for_status().json()
    product_id = int(created["product"]["id"])
    image = build_user_module(
        seeding.ARGON,
        os.urandom(IMAGE_BYTES - 100),
        product_version=VERSION,
        dependency=Dependency(ModuleFunction.SYSTEM, 1, 1000),
    )
    api.post(
        f"/v1/products/{product_id}/firmware",
        data={"version": str(VERSION), "title": "bench", "description": ""},
        files={"file": ("firmware.bin", image)},
    ).raise_for_status()
    return product_id


def _floor_bytes_per_s(seconds: float) -> float:
    """Content that one core encrypts and hands to the kernel, and nothing else."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.SERVER_CORE})
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            sink.bind(("127.0.0.1", 0))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                return _send(sender, sink.getsockname(), seconds)
    finally:
        os.sched_setaffinity(0, cores)


def _send(sender: socket.socket, address: tuple[str, int], seconds: float) -> float:
    cipher, content = AESCCM(os.urandom(16), tag_length=8), os.urandom(RECORD_BYTES)
    sent, began = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - began) < seconds:
        for number in range(sent, sent + 100):
            nonce = number.to_bytes(12, "big")
            sender.sendto(nonce[4:] + cipher.encrypt(nonce, content, nonce), address)
        sent += 100
    return sent * CHUNK_BYTES / elapsed_s
