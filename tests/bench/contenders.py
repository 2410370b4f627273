"""Who takes part in compare.py: each does a piece of work, and reports what came of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

from processes import BadRun, CallCount, MemoryWatch, Unavailable, cpu_seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import cluster as groupcomm  # noqa: E402
import namespaces  # noqa: E402

NODES = 3


@dataclass(frozen=True)
class Work:
    """A line of the comparison."""

    order: str = "total"
    size: int = 64
    senders: int = 3  # 0: all
    window: int = 64
    seconds: float = 3.0
    latency: bool = False
    samples: int = 2000
    pause_ms: int = 0
    daemons: int = NODES
    groups: int = 1
    clients: int = 1  # at each daemon; each group has a member at each daemon

    def arguments(self):
        options = {"--size": self.size, "--senders": self.senders, "--window": self.window,
                   "--seconds": self.seconds, "--samples": self.samples,
                   "--pause-ms": self.pause_ms}
        flags = ["--latency"] if self.latency else []
        return ["--json", *flags, *(str(x) for option in options.items() for x in option)]

    def __str__(self):
        size = next(f"{self.size // bytes} {unit}" for bytes, unit in
                    ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")) if self.size >= bytes)
        if self.latency:
            return f"latency, {size}, " + (f"{self.pause_ms} ms apart" if self.pause_ms else "idle")
        many = {0: "all send", 1: "1 sender"}.get(self.senders, f"{self.senders} senders")
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


def sum_up(report, daemon_count, cpu_of_daemons):
    """Adds to a report what all its processes did together."""
    members = report["members"]
    deliveries = sum(member["delivered"] for member in members)
    used = cpu_of_daemons + sum(member["cpu_seconds"] for member in members)
    report["messages"] = deliveries / daemon_count
    report["cpu_us_per_message"] = 1e6 * used / report["messages"]
    report["cpu_us_per_delivery"] = 1e6 * used / deliveries
    return report


def run_beside(daemons, command, work):
    """run_bench() with what clients and daemons used together."""
    before = cpu_seconds(daemons)
    with MemoryWatch(daemons) as memory:
        report = run_bench(command, work)
    report["resident_mib"], report["growth_mib"] = memory.most(), memory.growth()
    return sum_up(report, len(daemons), cpu_seconds(daemons) - before)


def count_calls(daemons, command, work):
    """run_bench() with the system calls of clients and daemons. The count costs time: no other
    figure of such a run is to be used."""
    with CallCount(daemons) as count:
        report = run_bench(count.around(command), work)
        calls = count.calls()
    deliveries = sum(member["delivered"] for member in report["members"])
    return {"members": report["members"], "calls_per_delivery": calls / deliveries}


class Skeleton:
    """No fault tolerance, and one order: what the machine can do."""

    def __init__(self, bin_folder, transport):
        self.name = f"skeleton on {transport}"
        self._command = [pathlib.Path(bin_folder) / "skeleton", transport]

    def run(self, work):
        return run_bench(self._command, work)


def network_namespaces(bin_folder, size):
    try:
        return namespaces.NamespacedCluster(bin_folder, size, traces=False)
    except namespaces.Unavailable as error:
        raise Unavailable(str(error)) from error


class Groupcomm:
    """Daemons on the loopback, or in network namespaces of their own."""

    def __init__(self, bin_folder, in_namespaces=False, measure=run_beside, transport=None):
        self.name = "groupcomm in namespaces" if in_namespaces else "groupcomm"
        self._environment = []
        if transport:
            self.name += f" over {transport}"
            self._environment = ["env", f"GROUPCOMM_TRANSPORT={transport}"]
        self._bin = bin_folder
        self._in_namespaces = in_namespaces
        self._measure = measure

    def run(self, work):
        # Where only node 1 sends, or sends what the times are taken of, the sequencer is to be
        # elsewhere, as in the skeletons. Which client comes first is in part a matter of luck.
        for _ in range(10):
            report, is_fit = self._run_once(work)
            if is_fit:
                return report
        raise BadRun("ten times in a row node 1 was at the sequencer")

    def _cluster(self, size):
        if self._in_namespaces:
            return network_namespaces(self._bin, size)
        return groupcomm.Cluster(self._bin, size, traces=False)

    def _run_once(self, work):
        with self._cluster(work.daemons) as cluster:
            cluster.start().wait_formed()
            sequencer = cluster.by_rank()[0]
            daemons = sorted(cluster.daemons.values(), key=lambda d: d.name == sequencer)
            command = [*self._environment, cluster.groupcommctl, "bench", "--order", work.order,
                       "--groups", work.groups, "--clients", work.clients,
                       *(daemon.socket for daemon in daemons)]
            try:
                report = self._measure([d.process for d in daemons], command, work)
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


def end_corosync(processes):
    """Asks first: one that is killed leaves files in /dev/shm."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait()
        except subprocess.TimeoutExpired:
            process.kill()


def log_lengths(cluster):
    return {name: len(log_of(cluster, name)) for name in cluster.daemons}


def log_of(cluster, name):
    log = cluster.folder / f"{name}.log"
    return log.read_text(errors="replace") if log.exists() else ""


def views_since(cluster, lengths, pattern):
    """How many daemons have written this to their logs since these had these lengths."""
    return sum(re.search(pattern, log_of(cluster, name)[lengths.get(name, 0):]) is not None
               for name in cluster.daemons)


class Corosync:
    """Three daemons of Corosync in network namespaces. Its only order is agreed, which is total."""

    FORMED = rf"Sync members\[{NODES}\]"  # in the log of one that is in a view of all

    def __init__(self, bin_folder, real_time, transport="knet"):
        self.name = "Corosync" if real_time else "Corosync, sched_rr: no"
        if transport != "knet":
            self.name += f", {transport}"
        self._bin = bin_folder
        self._program = pathlib.Path(bin_folder) / "corosync_bench"
        self._system = "" if real_time else "  sched_rr: no\n"
        self._transport = transport

    def run(self, work):
        with self.network() as network:
            processes = {name: self.start(network, name) for name in network.daemons}
            places = [network.prefix_of(name)[-1] for name in network.daemons]
            try:
                groupcomm.wait_until(lambda: views_since(network, {}, self.FORMED) == NODES,
                                     f"{NODES} daemons in a view")
                return run_beside(processes.values(), [self._program, *places], work)
            except (BadRun, OSError, groupcomm.TimedOut) as error:
                raise BadRun(f"{error}\n{network.logs()}") from error
            finally:
                end_corosync(processes.values())

    def network(self):
        """Of hosts without daemons."""
        if not shutil.which("corosync") or not self._program.exists():
            raise Unavailable("needs the packages corosync and libcpg-dev, and a build after that")
        return network_namespaces(self._bin, NODES)

    def start(self, network, name):
        """The process of a daemon, which may have been there before."""
        state = network.folder / f"{name}.state"
        state.mkdir(exist_ok=True)
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
