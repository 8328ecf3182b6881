"""What the browser looks at: a real server, simulated devices, a product, an organization."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.system.harness import ROADSTEAD, RoadsteadServer

EMAIL, PASSWORD = "operator@example.com", "a long enough password"
DEVICES = 6
PLATFORM = 12
"""The simulated fridges are Argons."""


@dataclass(frozen=True)
class Stage:
    """The server and what lives on it.

    Attributes:
        devices: ids of devices that are online and belong to the operator.
        product: slug of a product that has all of them.
        organization: slug of an organization of the operator.
    """

    server: RoadsteadServer
    token: str
    devices: list[str]
    product: str
    organization: str

    @property
    def origin(self) -> str:
        return self.server.api_url


def find_chromium() -> str | None:
    """Path of a Chromium on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Everything running; ended when the block is left."""
    settings = {"rate_limits": "off", "allow_private_targets": "true"}
    with RoadsteadServer(folder, default_plan="enterprise", **settings) as server:
        server.create_user(EMAIL, PASSWORD, admin=True)
        token = server.log_in(EMAIL, PASSWORD)
        with _fleet(server, token) as devices, server.client(token) as client:
            product = make_product(client, "Fridge", PLATFORM, devices)
            made = client.post("/v1/orgs", json={"name": "Northern Cold Chain"})
            assert made.is_success, made.text
            slug = made.json()["organization"]["slug"]
            yield Stage(server, token, devices, product, slug)


@contextmanager
def _fleet(server: RoadsteadServer, token: str) -> Iterator[list[str]]:
    log = (server.folder / "fleet.log").open("wb")
    target = ("--api", server.api_url, "--token", token)
    arguments = ("simulate", *target, "--devices", str(DEVICES), "--rate", "1")
    process = subprocess.Popen([*ROADSTEAD, *arguments], stdout=log, stderr=log)
    try:
        yield _wait_for_devices(server, token)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_for_devices(server: RoadsteadServer, token: str) -> list[str]:
    deadline = time.monotonic() + 60
    with server.client(token) as client:
        while time.monotonic() < deadline:
            online = [one["id"] for one in client.get("/v1/devices").json() if one["online"]]
            if len(online) >= DEVICES:
                return online
            time.sleep(0.2)
    raise AssertionError((server.folder / "fleet.log").read_text(errors="replace")[-2000:])


def make_product(client: httpx.Client, name: str, platform: int, devices: list[str]) -> str:
    """A product with these devices; gives its slug."""
    draft = {"name": name, "platform_id": platform, "description": "Keeps vaccines cold"}
    made = client.post("/v1/user/products", json={"product": draft})
    assert made.is_success, made.text
    slug = made.json()["product"]["slug"]
    imported = client.post(f"/v1/products/{slug}/devices", json={"ids": devices})
    assert imported.json()["updated"] == len(devices), imported.text
    assert isinstance(slug, str)
    return slug


def build_image(folder: Path, *, platform: int, version: int, size: str = "24K") -> Path:
    """An image as a person makes one at the shell."""
    path = folder / f"fridge-{version}.bin"
    named = ("--platform", str(platform), "--version", str(version), "--size", size)
    command = (*ROADSTEAD, "firmware", "build-image", str(path), *named)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return path
