"""Who takes part in compare.py: each does a piece of work, and reports what came of it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import cluster as groupcomm  # noqa: E402
import namespaces  # noqa: E402

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
NODES = 3


class Unavailable(Exception):
    """This contender cannot run here."""


class BadRun(Exception):
    """A run that counts for nothing."""


@dataclass(frozen=True)
class Work:
    """A line of the comparison."""

    order: str = "total"
    size: int = 64
    senders: int = 3
    window: int = 64
    seconds: float = 3.0
    latency: bool = False
    samples: int = 2000
    pause_ms: int = 0

    def arguments(self):
        options = {"--size": self.size, "--senders": self.senders, "--window": self.window,
                   "--seconds": self.seconds, "--samples": self.samples,
                   "--pause-ms": self.pause_ms}
        flags = ["--latency"] if self.latency else []
        return ["--json", *flags, *(str(x) for option in options.items() for x in option)]

    def __str__(self):
        size = f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"
        if self.latency:
            return f"latency, {size}, " + (f"{self.pause_ms} ms apart" if self.pause_ms else "idle")
        many = "1 sender" if self.senders == 1 else f"{self.senders} senders"
        window = f"window {self.window}" if self.window else "no window"
        return f"{self.order}, {size}, {many}, {window}"


def run_bench(command, work):
    """What a program reports that knows the options of `groupcommctl bench`."""
    patience = work.seconds + work.samples * work.pause_ms / 1000 + 120
    done = subprocess.run([*map(str, command), *work.arguments()], capture_output=True, text=True,
                          timeout=patience, check=False)
    if done.returncode != 0:
        raise BadRun(done.stderr.strip())
    return json.loads(done.stdout)


def cpu_seconds(processes):
    """User and system time of all of them, with all their threads."""
    ticks = 0
    for process in processes:
        stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(stat[11]) + int(stat[12])
    return ticks / CLOCK_TICKS


def run_beside(daemons, command, work):
    """run_bench() with the CPU time of clients and daemons, for each message at all members."""
    before = cpu_seconds(daemons)
    report = run_bench(command, work)
    used = cpu_seconds(daemons) - before + sum(m["cpu_seconds"] for m in report["members"])
    report["cpu_us_per_message"] = 1e6 * used / report["members"][0]["delivered"]
    return report


class Skeleton:
    """No fault tolerance, and one order: what the machine can do."""

    def __init__(self, bin_folder, transport):
        self.name = f"skeleton on {transport}"
        self._command = [pathlib.Path(bin_folder) / "skeleton", transport]

    def run(self, work):
        return run_bench(self._command, work)


class Groupcomm:
    """Three daemons, on the loopback or in network namespaces of their own."""

    def __init__(self, bin_folder, in_namespaces=False):
        self.name = "groupcomm in namespaces" if in_namespaces else "groupcomm"
        self._bin = bin_folder
        self._in_namespaces = in_namespaces

    def run(self, work):
        # Where only node 1 sends, or sends what the times are taken of, the sequencer is to be
        # elsewhere, as in the skeletons. Which client comes first is in part a matter of luck.
        for _ in range(10):
            report, is_fit = self._run_once(work)
            if is_fit:
                return report
        raise BadRun("ten times in a row node 1 was at the sequencer")

    def _cluster(self):
        if not self._in_namespaces:
            return groupcomm.Cluster(self._bin, NODES, traces=False)
        try:
            return namespaces.NamespacedCluster(self._bin, NODES, traces=False)
        except namespaces.Unavailable as error:
            raise Unavailable(str(error)) from error

    def _run_once(self, work):
        with self._cluster() as cluster:
            cluster.start()

            def status():
                done = cluster.ctl("n1", "status", "--json")
                return json.loads(done.stdout) if done.returncode == 0 else {"members": []}

            groupcomm.wait_until(lambda: len(status()["members"]) == NODES, "a view of daemons")
            sequencer = status()["members"][0]["name"]
            daemons = sorted(cluster.daemons.values(), key=lambda d: d.name == sequencer)
            command = [cluster.groupcommctl, "bench", "--order", work.order,
                       *(daemon.socket for daemon in daemons)]
            try:
                report = run_beside([d.process for d in daemons], command, work)
            except BadRun as error:
                raise BadRun(f"{error}\n{cluster.logs()}") from error
        first = next(m["process"] for m in report["members"] if m["node"] == 1)
        is_from_one = work.latency or work.senders == 1
        return report, not (is_from_one and f"@{sequencer}#" in first)


_CONFIGURATION = """totem {{
  version: 2
  cluster_name: bench
  transport: {transport}
  crypto_cipher: none
  crypto_hash: none
}}
nodelist {{
{nodes}}}
logging {{
  to_stderr: no
  to_syslog: no
  to_logfile: yes
  logfile: {folder}/{name}.log
}}
system {{
  move_to_root_cgroup: no
  state_dir: {folder}/{name}.state
{system}}}
"""


def _is_formed(log):
    return log.exists() and f"Sync members[{NODES}]" in log.read_text()


def _end(processes):
    """Asks first: one that is killed leaves files in /dev/shm."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait()
        except subprocess.TimeoutExpired:
            process.kill()


class Corosync:
    """Three daemons of Corosync in network namespaces. Its only order is agreed, which is total."""

    def __init__(self, bin_folder, real_time, transport="knet"):
        self.name = "Corosync" if real_time else "Corosync, sched_rr: no"
        if transport != "knet":
            self.name += f", {transport}"
        self._bin = bin_folder
        self._program = pathlib.Path(bin_folder) / "corosync_bench"
        self._system = "" if real_time else "  sched_rr: no\n"
        self._transport = transport

    def run(self, work):
        if not shutil.which("corosync") or not self._program.exists():
            raise Unavailable("needs the packages corosync and libcpg-dev, and a build after that")
        try:
            network = namespaces.NamespacedCluster(self._bin, NODES, traces=False)
        except namespaces.Unavailable as error:
            raise Unavailable(str(error)) from error
        with network:
            processes = {name: self._start(network, name) for name in network.daemons}
            places = [network.prefix_of(name)[-1] for name in network.daemons]
            try:
                for name in processes:
                    groupcomm.wait_until(lambda log=network.folder / f"{name}.log": _is_formed(log),
                                         f"{NODES} daemons in the view of {name}")
                return run_beside(processes.values(), [self._program, *places], work)
            except (BadRun, OSError, groupcomm.TimedOut) as error:
                raise BadRun(f"{error}\n{network.logs()}") from error
            finally:
                _end(processes.values())

    def _start(self, network, name):
        state = network.folder / f"{name}.state"
        state.mkdir()
        nodes = "".join(f"  node {{\n    ring0_addr: {network.host_of(peer)}\n    name: {peer}\n"
                        f"    nodeid: {peer[1:]}\n  }}\n" for peer in network.daemons)
        configuration = network.folder / f"{name}.conf"
        configuration.write_text(_CONFIGURATION.format(
            transport=self._transport, nodes=nodes, folder=network.folder, name=name,
            system=self._system))
        # Each has a /run of its own: the lock in there lets only one of them live on a host.
        command = ["sh", "-c", 'mount -t tmpfs tmpfs /run && exec corosync -f -c "$0"',
                   configuration]
        process = groupcomm.Process([*network.prefix_of(name), *command],
                                    network.folder / f"{name}.out.log",
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        network.processes.append(process)
        return process
