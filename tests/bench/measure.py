#!/usr/bin/env python3
"""Measures what docs/PERFORMANCE.md reports: three daemons on this host, one client at each.

    measure.py --bin build/release/bin [--repeat N] [--only NAME,...] [--markdown FILE]
    measure.py --bin build/release/bin --repeat 1 --only full-load

Each figure is the slowest member of a run; the table shows the median and the range over the runs.
`silent` needs root: it puts each daemon into a network namespace of its own and cuts one off.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import cluster as groupcomm  # noqa: E402
import namespaces  # noqa: E402

NAMES = ["a", "b", "c"]
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def three(bin_folder, **options):
    """Daemons that have known one another for a while: what is refused at the address of one that
    was first heard in the last 200 ms proves nothing (rule D2), and is looked for again later."""
    cluster = groupcomm.Cluster(bin_folder, 3, traces=False, **options).start()
    threading.Event().wait(0.5)  # the while itself
    return cluster


def until_view(action, pipes, names):
    """Milliseconds from the action to the view of these names at the last of the pipes."""
    marks = [pipe.mark() for pipe in pipes]
    begin = time.monotonic()
    action()
    ends = [pipe.wait_view_timed("room", names, 60, mark)[0] for pipe, mark in zip(pipes, marks)]
    return 1000 * (max(ends) - begin)


# --- membership -----------------------------------------------------------------------------------


def daemon_killed(bin_folder):
    with three(bin_folder) as cluster:
        a, b, _ = cluster.members("room", NAMES)
        return until_view(cluster.daemons["n3"].process.popen.kill, [a, b], ["a", "b"])


def first_daemon_killed(bin_folder):
    """The one at rank 0, which leads view changes and assigns the total order."""
    with three(bin_folder) as cluster:
        pipes = cluster.members("room", NAMES)
        status = json.loads(cluster.ctl("n1", "status", "--json").stdout)
        first = status["members"][0]["name"]
        alive = [pipe for pipe in pipes if pipe.daemon.name != first]
        kill = cluster.daemons[first].process.popen.kill
        return until_view(kill, alive, [pipe.name for pipe in alive])


def client_killed(bin_folder):
    with three(bin_folder) as cluster:
        a, b, c = cluster.members("room", NAMES)
        return until_view(c.process.popen.kill, [a, b], ["a", "b"])


def client_joins(bin_folder):
    with three(bin_folder) as cluster:
        a, b = cluster.members("room", ["a", "b"])
        c = cluster.pipe("c", "n3")
        return until_view(lambda: c.join("room"), [a, b, c], NAMES)


def daemon_starts(bin_folder):
    """From the start of the process to the first answer that shows it in a view of three."""
    with three(bin_folder) as cluster:
        a, b, _ = cluster.members("room", NAMES)
        cluster.daemons["n3"].kill()
        for pipe in (a, b):
            pipe.wait_view("room", ["a", "b"])
        begin = time.monotonic()
        cluster.daemons["n3"].start()

        def in_view():
            done = cluster.ctl("n1", "status", "--json")
            return done.returncode == 0 and len(json.loads(done.stdout)["members"]) == 3

        groupcomm.wait_until(in_view, "a view of three daemons")
        return 1000 * (time.monotonic() - begin)


def daemon_terminated(bin_folder):
    with three(bin_folder) as cluster:
        a, b, _ = cluster.members("room", NAMES)
        took = until_view(cluster.daemons["n3"].terminate, [a, b], ["a", "b"])
        reasons = {left["reason"] for left in a.wait_view("room", ["a", "b"])["left"]}
        if reasons != {"leave"}:
            raise RuntimeError(f"a terminated daemon left as {reasons}")
        return took


def silent_host(bin_folder):
    """All packets of one daemon's host are dropped, both ways; its process lives."""
    with namespaces.NamespacedCluster(bin_folder, 3, traces=False) as cluster:
        cluster.start()
        a, b, _ = cluster.members("room", NAMES)
        return until_view(lambda: cluster.isolate("n3"), [a, b], ["a", "b"])


# --- cost of doing nothing ------------------------------------------------------------------------


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def idle(bin_folder, seconds=20):
    """(share of a core in percent, resident MiB) of the hungriest daemon."""
    with three(bin_folder) as cluster:
        cluster.members("room", NAMES)
        pids = [daemon.process.pid for daemon in cluster.daemons.values()]
        before = [cpu_seconds(pid) for pid in pids]
        threading.Event().wait(seconds)  # the time that is measured
        shares = [100 * (cpu_seconds(pid) - b) / seconds for pid, b in zip(pids, before)]
        return max(shares), max(map(resident_mib, pids))


def idle_cpu(bin_folder):
    return idle(bin_folder)[0]


def idle_memory(bin_folder):
    return idle(bin_folder, 1)[1]


# --- throughput -----------------------------------------------------------------------------------


class BadRun(Exception):
    """The members did not see the same: such a run has no rate."""


def throughput(bin_folder, senders=3, size=64, window=64, order="total", seconds=3.0):
    """Messages per second at the slowest receiver, CPU seconds per million deliveries, and how many
    views of daemons were installed meanwhile."""
    with three(bin_folder) as cluster:
        cluster.members("formed", NAMES)
        for pipe in cluster.pipes:
            pipe.quit()
        before = sum(cpu_seconds(d.process.pid) for d in cluster.daemons.values())
        views = views_installed(cluster)
        used_before = os.times()
        sockets = [str(daemon.socket) for daemon in cluster.daemons.values()]
        done = subprocess.run(
            [str(pathlib.Path(bin_folder) / "groupcommctl"), "bench", "--json", "--senders",
             str(senders), "--size", str(size), "--window", str(window), "--order", order,
             "--seconds", str(seconds), *sockets],
            capture_output=True, text=True, timeout=seconds + 120, check=False)
        used = os.times()
        logs = cluster.logs()
        if done.returncode != 0:
            raise BadRun(f"{done.stderr}\n{logs}")
        views = views_installed(cluster) - views
        cpu = sum(cpu_seconds(d.process.pid) for d in cluster.daemons.values()) - before
        cpu += (used.children_user + used.children_system
                - used_before.children_user - used_before.children_system)
    report = json.loads(done.stdout)
    if views:
        print(f"{views} views of daemons were installed under load\n{logs}", file=sys.stderr)
    deliveries = sum(member["delivered"] for member in report["members"])
    return report["slowest"], 1e6 * cpu / deliveries, views


def views_installed(cluster):
    status = json.loads(cluster.ctl("n1", "status", "--json").stdout)
    return status["counters"]["views_installed"]


def total_64(bin_folder):
    return throughput(bin_folder)[0]


def total_64_cpu(bin_folder):
    return throughput(bin_folder)[1]


def total_1k(bin_folder):
    return throughput(bin_folder, size=1024)[0]


def safe_64(bin_folder):
    return throughput(bin_folder, order="safe")[0]


def fifo_64(bin_folder):
    return throughput(bin_folder, order="fifo")[0]


def false_suspicions(bin_folder, seconds=600):
    """View changes in ten minutes in which three senders send as fast as they are let."""
    return throughput(bin_folder, window=0, seconds=seconds)[2]


# --- the table ------------------------------------------------------------------------------------

# name: (function, what, unit, target)
FIGURES = {
    "daemon-killed": (daemon_killed, "SIGKILL of a daemon -> view at the survivors' clients", "ms",
                      "<= 100"),
    "first-killed": (first_daemon_killed, "the same, of the daemon at rank 0", "ms", "<= 100"),
    "client-killed": (client_killed, "SIGKILL of a client -> view at the others", "ms", "<= 3"),
    "join": (client_joins, "join of a client -> view at all three", "ms", "<= 3"),
    "daemon-starts": (daemon_starts, "start of a daemon -> in the view of three", "ms", "<= 1000"),
    "terminated": (daemon_terminated, "SIGTERM of a daemon -> view at survivors, `leave`", "ms",
                   "<= 100"),
    "silent": (silent_host, "silent host (packets dropped both ways) -> view", "ms", "<= 3000"),
    "idle-cpu": (idle_cpu, "idle daemon, share of a core", "%", "<= 1"),
    "idle-memory": (idle_memory, "idle daemon, resident", "MiB", "<= 30"),
    "total-64": (total_64, "total order, 64 B, 3 senders, window 64, slowest receiver", "msg/s",
                 ">= 60000"),
    "total-64-cpu": (total_64_cpu, "the same, CPU seconds per million deliveries", "s", ""),
    "total-1k": (total_1k, "total order, 1 KiB, 3 senders, window 64", "msg/s", ""),
    "safe-64": (safe_64, "safe, 64 B, 3 senders, window 64", "msg/s", ""),
    "fifo-64": (fifo_64, "fifo, 64 B, 3 senders, window 64", "msg/s", ""),
    "full-load": (false_suspicions, "view changes in 10 minutes of full load", "", "<= 0"),
}


def is_met(value, target):
    if not target:
        return ""
    limit = float(target[3:])
    return "yes" if (value <= limit if target.startswith("<=") else value >= limit) else "NO"


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measure(name, bin_folder, repeat):
    function, what, unit, target = FIGURES[name]
    values = []
    for _ in range(repeat):
        try:
            values.append(function(bin_folder))
        except (namespaces.Unavailable, BadRun) as error:
            print(f"{name}: SKIPPED: {error}", file=sys.stderr, flush=True)
    if not values:
        return f"| {what} | {unit} | {target} | not measured | | |"
    middle = statistics.median(values)
    print(f"{name}: {show(middle)} {unit}  {[show(v) for v in values]}", file=sys.stderr,
          flush=True)
    return (f"| {what} | {unit} | {target} | {show(middle)} | "
            f"{show(min(values))} - {show(max(values))} | {is_met(middle, target)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", help="names, with commas: " + ", ".join(FIGURES))
    parser.add_argument("--markdown", help="also write the table to this file")
    arguments = parser.parse_args()
    # Ten minutes for one figure: only when asked for.
    usual = [name for name in FIGURES if name != "full-load"]
    names = arguments.only.split(",") if arguments.only else usual
    rows = ["| what | unit | target | median | range | met |", "|---|---|---|---|---|---|"]
    rows += [measure(name, arguments.bin, arguments.repeat) for name in names]
    table = "\n".join(rows) + "\n"
    print(f"\n{os.cpu_count()} cores, Linux {platform.release()}, {arguments.repeat} runs each\n")
    print(table)
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(table, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
