"""The files in deploy/ say what the program and the tools understand."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\b(?:roadstead|process)_[a-z0-9_]+")


def test_every_metric_of_the_dashboard_exists(tmp_path):
    dashboard = json.loads((DEPLOY / "grafana" / "roadstead.json").read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    wanted = {name for expression in targets for name in METRIC.findall(expression)}
    assert len(wanted) > 20
    with RoadsteadServer(tmp_path) as server:
        httpx.get(f"{server.api_url}/healthz", trust_env=False)
        metrics = httpx.get(f"{server.api_url}/metrics", trust_env=False).text
    shown = set(re.findall(r"^([a-z0-9_]+)[{ ]", metrics, re.MULTILINE))
    assert wanted - shown == set()


def test_the_unit_is_one_that_systemd_understands(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    text = (DEPLOY / "roadstead.service").read_text()
    roadstead = "/opt/roadstead/bin/roadstead"
    assert roadstead in text
    unit = tmp_path / "roadstead.service"
    unit.write_text(text.replace(roadstead, "/bin/true"))
    done = subprocess.run(
        [program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if "roadstead" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def containerfile() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.timeout(600)
def test_the_build_stage_of_the_image_installs_the_program_and_its_check_passes(tmp_path):
    """What a container engine would do, in folders instead: there is none where this runs."""
    stage, prefix = tmp_path / "src", tmp_path / "opt"
    ignored = shutil.ignore_patterns("node_modules", ".installed", "__pycache__", "static")
    instructions = containerfile()
    second = [place for place, (word, _) in enumerate(instructions) if word == "FROM"][1]
    for word, rest in instructions[:second]:
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                place = stage / target / (source if target == "./" else "")
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, ignore=ignored)
                else:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, place)
        elif word == "RUN":
            command = rest.replace("/opt/roadstead", str(prefix))
            command = command.replace("python -m venv", f"{sys.executable} -m venv")
            done = subprocess.run(
                command, shell=True, cwd=stage, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
    words = dict(instructions[second:])
    assert words["USER"] == "roadstead"
    settings = dict(re.findall(r"(\w+)=(\S+)", words["ENV"]))
    assert (settings["ROADSTEAD_DATA_DIR"], words["VOLUME"]) == ("/data", "/data")
    environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}
    environment["ROADSTEAD_DATA_DIR"] = str(tmp_path / "data")
    command = [*json.loads(words["CMD"]), "--http", "127.0.0.1:0", "--udp", "off"]
    with running(command, environment, tmp_path) as address:
        assert (
            "text/html" in httpx.get(f"http://{address}", trust_env=False).headers["content-type"]
        )
        _, _, check = words["HEALTHCHECK"].partition("CMD ")
        asked = [part.replace("127.0.0.1:8080", address) for part in json.loads(check)]
        subprocess.run(asked, env=environment, check=True, timeout=30)


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[str]:
    """A server that is ready; gives its HTTP address and ends it in order."""
    found = shutil.which(command[0], path=environment["PATH"])
    assert found is not None
    process = subprocess.Popen(
        [found, *command[1:]], env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        address = re.search(r"http=(\S+)", ready)
        assert address is not None, ready
        yield address[1]
    finally:
        process.terminate()
        assert process.wait(15) == 0


@pytest.mark.timeout(600)
def test_the_program_installs_by_pip_into_a_fresh_environment_and_runs(tmp_path):
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(wheels), "."]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = wheels.glob("roadstead-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    environment["ROADSTEAD_DATA_DIR"] = str(tmp_path / "data")
    command = ["roadstead", "serve", "--http", "127.0.0.1:0", "--udp", "off"]
    with running(command, environment, tmp_path) as address:
        health = httpx.get(f"http://{address}/healthz", trust_env=False).json()
        assert health["status"] == "ok"
        page = httpx.get(f"http://{address}", trust_env=False)
        assert "text/html" in page.headers["content-type"]
        assert '<div id="root">' in page.text, "the wheel has no console"
