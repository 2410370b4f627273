#!/usr/bin/env python3
"""How long it takes until all members have the view that follows what has happened, on groupcomm
and on Corosync, side by side in one run.

    membership.py
    membership.py --only groupcomm --rounds 10
    membership.py --json > run.json; plots.py run.json

Each of three daemons has a host of its own (a network namespace: this needs root), and a client. In
each round clients join, leave and are killed, and a daemon is ended, started, killed and cut off.
A time is from the call that makes it happen to the view at the last of those who get it. The start
of a daemon is over when the logs of all tell of a view with it, which are read every 10 ms.
Where a view does not come, or is another one than that which should, the round counts for nothing.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import contenders
from compare import Comparison, names
from contenders import BadRun, NODES, groupcomm

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUP = "room"
# Daemons that have known one another for a while: what is refused at the address of one that was
# first heard in the last 200 ms proves nothing (rule D2).
SETTLING_SECONDS = 0.5
PATIENCE_SECONDS = 60


class Member:
    """A client that joins and leaves one group, and when which view came to it."""

    def __init__(self, process, nodes_of, commands):
        self._process = process
        self._nodes_of = nodes_of  # event -> nodes of the members in its view, or None
        self._commands = commands  # name -> line
        self._views = []  # (monotonic seconds, nodes)
        self._is_connected = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_connected, PATIENCE_SECONDS):
                raise groupcomm.TimedOut("a client does not connect")

    def _read(self):
        for line in self._process.popen.stdout:
            now = time.monotonic()
            event = json.loads(line)
            nodes = self._nodes_of(event)
            with self._changed:
                self._is_connected = self._is_connected or event["event"] == "connected"
                if nodes is not None:
                    self._views.append((now, nodes))
                self._changed.notify_all()

    def command(self, name):
        self._process.popen.stdin.write(self._commands[name].encode() + b"\n")
        self._process.popen.stdin.flush()

    def kill(self):
        """Does not wait until it is gone."""
        self._process.may_end(-signal.SIGKILL)
        self._process.popen.kill()

    def mark(self):
        with self._changed:
            return len(self._views)

    def wait_view(self, nodes, mark):
        """When the next view came; it must be this one."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._views) > mark, PATIENCE_SECONDS):
                raise groupcomm.TimedOut(f"a view of {nodes} does not come")
            at, found = self._views[mark]
        if found != nodes:
            raise BadRun(f"a view of nodes {found}, and not {nodes}")
        return at


class World:
    """Three hosts, their daemons and clients; how each toolkit does it, derived classes say."""

    FORMED = ""  # a pattern in the log of a daemon in a view of all

    def __init__(self, network):
        self.network = network

    def start_all(self):
        for name in self.network.daemons:
            self.start(name)
        self.wait_formed({})

    def wait_formed(self, lengths):
        groupcomm.wait_until(
            lambda: contenders.views_since(self.network, lengths, self.FORMED) == NODES,
            "a view of all daemons", PATIENCE_SECONDS)

    def restart(self, name):
        """Milliseconds until all are in a view again."""
        lengths = contenders.log_lengths(self.network)
        begin = time.monotonic()
        self.start(name)
        self.wait_formed(lengths)
        return 1000 * (time.monotonic() - begin)

    def clean_up_after(self, process):
        """What a killed daemon has left on this host."""

    def member_process(self, name, command):
        network = self.network
        process = groupcomm.Process(command, network.folder / f"member-{name}.log",
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        network.processes.append(process)
        return process


class GroupcommWorld(World):
    FORMED = r" installed view=\S+ members=[^, ]+,[^, ]+,[^, ]+ primary=yes"

    def start(self, name):
        self.network.daemons[name].start().wait_ready()

    def process(self, name):
        return self.network.daemons[name].process

    def member(self, name):
        command = [self.network.groupcommctl, "--socket", self.network.daemons[name].socket, "pipe",
                   "--name", "member"]
        commands = {op: json.dumps({"op": op, "group": GROUP}) for op in ("join", "leave")}
        return Member(self.member_process(name, command), self._nodes_of, commands)

    @staticmethod
    def _nodes_of(event):
        if event["event"] != "view":
            return None
        return sorted(int(member.split("@n")[1].split("#")[0]) for member in event["members"])


class CorosyncWorld(World):
    FORMED = contenders.Corosync.FORMED

    def __init__(self, network, corosync, bin_folder):
        super().__init__(network)
        self._corosync = corosync
        self._program = pathlib.Path(bin_folder) / "corosync_member"
        self._processes = {}

    def start(self, name):
        self._processes[name] = self._corosync.start(self.network, name)

    def process(self, name):
        return self._processes[name]

    def member(self, name):
        command = [self._program, self.network.prefix_of(name)[-1]]
        return Member(self.member_process(name, command), self._nodes_of,
                      {"join": "join", "leave": "leave"})

    @staticmethod
    def _nodes_of(event):
        return event["nodes"] if event["event"] == "view" else None

    def end(self):
        contenders.end_corosync(self._processes.values())

    def clean_up_after(self, process):
        memory = pathlib.Path("/dev/shm")
        for left in (*memory.glob(f"qb-{process.pid}-*"),
                     *memory.glob(f"qb-corosync-{process.pid}-*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


class Round:
    """All that happens, one after the other, in one world. The third node is the one that it
    happens to."""

    def __init__(self, world):
        self._world = world
        self._watchers = [world.member("n1"), world.member("n2")]
        self.times = {}  # what -> milliseconds

    def run(self):
        self._gather()
        third = self._world.member("n3")
        self._time("a client joins", lambda: third.command("join"), [1, 2, 3], third)
        self._time("a client leaves", lambda: third.command("leave"), [1, 2])
        third.kill()
        third = self._has_joined(self._world.member("n3"))
        self._time("SIGKILL of a client", third.kill, [1, 2])

        third = self._has_joined(self._world.member("n3"))
        daemon = self._world.process("n3")
        daemon.may_end(0)
        self._time("SIGTERM of a daemon", lambda: daemon.signal(signal.SIGTERM), [1, 2])
        daemon.wait(PATIENCE_SECONDS)
        self._comes_back(third)

        third = self._has_joined(self._world.member("n3"))
        daemon = self._world.process("n3")
        self._time("SIGKILL of a daemon", daemon.popen.kill, [1, 2])
        daemon.kill()
        self._world.clean_up_after(daemon)
        self._comes_back(third)

        self._has_joined(self._world.member("n3"))
        # The time that it takes to cut a host off is a part of it.
        self._time("a silent host", lambda: self._world.network.isolate("n3"), [1, 2])
        return self.times

    def _gather(self):
        first, second = self._watchers
        first.command("join")
        first.wait_view([1], 0)
        self._until_view(lambda: second.command("join"), [(first, first.mark()), (second, 0)],
                         [1, 2])

    def _has_joined(self, member):
        self._until_view(lambda: member.command("join"), self._marks(member), [1, 2, 3])
        return member

    def _comes_back(self, member):
        member.kill()
        took = self._world.restart("n3")
        self.times.setdefault("start of a daemon", took)
        threading.Event().wait(SETTLING_SECONDS)

    def _marks(self, *others):
        return [(member, member.mark()) for member in (*self._watchers, *others)]

    def _time(self, what, action, nodes, *others):
        self.times[what] = self._until_view(action, self._marks(*others), nodes)

    @staticmethod
    def _until_view(action, marks, nodes):
        begin = time.monotonic()
        action()
        return 1000 * (max(member.wait_view(nodes, mark) for member, mark in marks) - begin)


@dataclass(frozen=True)
class Membership:
    """The only work here."""

    def __str__(self):
        return "membership"


class Groupcomm:
    name = "groupcomm"

    def __init__(self, bin_folder):
        self._bin = bin_folder

    def run(self, _work):
        with contenders.network_namespaces(self._bin, NODES) as network:
            return run_round(GroupcommWorld(network))


class Corosync:
    def __init__(self, bin_folder, real_time):
        self._bin = bin_folder
        self._corosync = contenders.Corosync(bin_folder, real_time)
        self.name = self._corosync.name

    def run(self, _work):
        with self._corosync.network() as network:
            world = CorosyncWorld(network, self._corosync, self._bin)
            try:
                return run_round(world)
            finally:
                world.end()


def run_round(world):
    try:
        world.start_all()
        threading.Event().wait(SETTLING_SECONDS)
        return Round(world).run()
    except (BadRun, OSError, groupcomm.TimedOut, subprocess.TimeoutExpired) as error:
        raise BadRun(f"{error}\n{world.network.logs()}") from error


class MembershipTimes(Comparison):
    kind = "membership"

    @staticmethod
    def figures_of(_work, report):
        return {f"{what}, ms": took for what, took in report.items()}


def field(wanted, bin_folder):
    chosen = [Groupcomm(bin_folder)] if "groupcomm" in wanted else []
    corosyncs = [Corosync(bin_folder, real_time) for real_time in (False, True)]
    chosen += corosyncs if "corosync" in wanted else []
    return chosen, {c.name: Groupcomm.name for c in corosyncs}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=names, default=["groupcomm", "corosync"],
                        help="groupcomm or corosync (default: both)")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    arguments = parser.parse_args()
    times = MembershipTimes(*field(arguments.only, arguments.bin))
    times.run([Membership()], arguments.rounds)
    if arguments.json:
        print(json.dumps(times.to_json()))
    else:
        print(f"\n{os.cpu_count()} cores, Linux {platform.release()}, {arguments.rounds} rounds, "
              f"load {os.getloadavg()[0]:.0f}; in brackets: groupcomm / this one\n")
        print(times.table())
    return 0 if times.figures else 1


if __name__ == "__main__":
    sys.exit(main())
