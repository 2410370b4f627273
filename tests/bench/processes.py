"""What processes use: time, memory, system calls."""

import os
import pathlib
import shutil
import tempfile
import threading

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Unavailable(Exception):
    """This contender cannot run here."""


class BadRun(Exception):
    """A run that counts for nothing."""


def cpu_seconds(processes):
    """User and system time of all of them, with all their threads."""
    ticks = 0
    for process in processes:
        stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(stat[11]) + int(stat[12])
    return ticks / CLOCK_TICKS


def status_of(process):
    """What the kernel tells of it: name -> text."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return dict(line.split(":", 1) for line in text.splitlines())


def resident_mib(process):
    return int(status_of(process)["VmRSS"].split()[0]) / 1024


def counted_events(text):
    """The first count in what `perf stat -x,` wrote."""
    for line in text.splitlines():
        count = line.split(",")[0]
        if count.isdigit():
            return int(count)
    raise BadRun(f"perf has counted nothing: {text}")


class CallCount:
    """Counts the system calls of daemons and of a command, while the command runs."""

    def __init__(self, daemons):
        if not shutil.which("perf"):
            raise Unavailable("system calls are counted by perf, which is not here")
        self._pids = ",".join(str(daemon.pid) for daemon in daemons)
        self._folder = tempfile.TemporaryDirectory()
        self._files = [pathlib.Path(self._folder.name) / name for name in ("daemons", "clients")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def around(self, command):
        daemons, clients = (["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", file]
                            for file in self._files)
        return [*daemons, "-p", self._pids, "--", *clients, "--", *command]

    def calls(self):
        return sum(counted_events(file.read_text()) for file in self._files)


class MemoryWatch:
    """Looks again and again, while a block lasts, how much the largest of some processes has."""

    PAUSE_SECONDS = 0.2

    def __init__(self, processes):
        self._processes = processes
        self._samples = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _watch(self):
        is_over = False
        while not is_over:
            is_over = self._is_over.wait(self.PAUSE_SECONDS)
            try:
                self._samples.append(max(map(resident_mib, self._processes)))
            except (OSError, KeyError):
                return  # one of them has ended, and the run with it

    def most(self):
        return max(self._samples, default=0.0)

    def growth(self):
        """By how much the second half of the time was above the first, if it was."""
        middle = len(self._samples) // 2
        if middle == 0:
            return 0.0
        return max(self._samples) - max(self._samples[:middle])
