"""The files in deploy/ say what the program and the tools understand."""

import json
import re
import shutil
import subprocess
import sys
import venv
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


def test_the_containerfile_copies_only_what_is_there_and_asks_a_path_that_is():
    text = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    assert "USER roadstead" in text
    assert "/healthz" in text


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
    environment = {"PATH": "/usr/bin:/bin", "ROADSTEAD_DATA_DIR": str(tmp_path / "data")}
    process = subprocess.Popen(
        [str(python.with_name("roadstead")), "serve", "--http", "127.0.0.1:0", "--udp", "off"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        address = re.search(r"http=(\S+)", ready)
        assert address is not None, ready
        url = f"http://{address[1]}"
        assert httpx.get(f"{url}/healthz", trust_env=False).json()["status"] == "ok"
        assert "text/html" in httpx.get(url, trust_env=False).headers["content-type"]
    finally:
        process.terminate()
        assert process.wait(15) == 0
