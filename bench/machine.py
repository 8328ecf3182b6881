"""Cores, processes, and what they used."""

import os
import platform
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
LOAD_CORE = _CORES[1] if len(_CORES) > 1 else _CORES[0]
PINNED_APART = len(_CORES) > 1

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    """The machine in one line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    python = f"Python {platform.python_version()}"
    return f"{model}, {len(_CORES)} cores, {memory_gb:.0f} GB, {system}, {python}"


def take_load_core() -> None:
    """Puts this process on the load generator's core, with all descriptors that it may have."""
    os.sched_setaffinity(0, {LOAD_CORE})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_on_core(core: int, argv: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
    """Starts a process on one core."""
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        argv, preexec_fn=lambda: os.sched_setaffinity(0, {core}), **options
    )


def cpu_s(pid: int) -> float:
    """Processor seconds that a process and its threads have used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def private_bytes(pid: int) -> int:
    """Memory that only this process has."""
    total_kb = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            total_kb += int(line.split()[1])
    return total_kb * 1024


def forget_peak(pid: int) -> None:
    """Begins to measure the greatest memory of a process anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had since ``forget_peak``."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no peak of memory")


@dataclass(frozen=True, slots=True)
class Usage:
    """Shares of a core that two processes used over some time, 0 to 1."""

    elapsed_s: float
    server: float
    load: float


class Stopwatch:
    """Measures wall time and what the process under test and this one use.

    Args:
        pid: of the process under test.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server_s = cpu_s(pid)
        self._load_s = time.process_time()
        self._began = time.perf_counter()

    def stop(self) -> Usage:
        """The shares since the beginning."""
        elapsed_s = time.perf_counter() - self._began
        server = (cpu_s(self._pid) - self._server_s) / elapsed_s
        return Usage(elapsed_s, server, (time.process_time() - self._load_s) / elapsed_s)
