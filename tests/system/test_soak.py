#!/usr/bin/env python3
"""Ten minutes of coming and going, after which nothing has grown: memory, descriptors, threads.

Clients join, leave, end, are killed and replaced; daemons are killed and started again, or end and
come back; messages of all orders flow meanwhile. GROUPCOMM_SOAK_SECONDS says how long (20), and
GROUPCOMM_SEED what is drawn; see also system_test_case.py.
"""

import os
import pathlib
import random
import statistics
import sys
import threading
import time

from follower import Follower, settle
from system_test_case import SystemTestCase, groupcomm, main

ORDERS = ["reliable", "fifo", "causal", "total", "safe"]
SECONDS = float(os.environ.get("GROUPCOMM_SOAK_SECONDS", "20"))
SEED = int(os.environ.get("GROUPCOMM_SEED", "1"))
# Cycles of coming and going, each with a look at what is left of it.
_CYCLES_LEAST = 6
_CYCLE_SECONDS_MOST = 15.0
_STEP_SECONDS = 0.1
_GUESTS_MOST = 6
# What the allocator may keep or give back between two looks.
_NOISE_KIB = 2048
_NOISE_SHARE = 1.05


class Usage:
    """What a process holds now."""

    def __init__(self, pid):
        folder = pathlib.Path(f"/proc/{pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        self.kib = int(status["VmRSS"].split()[0])
        self.threads = int(status["Threads"])
        self.descriptors = len(list((folder / "fd").iterdir()))

    def __repr__(self):
        return f"{self.kib} KiB, {self.threads} threads, {self.descriptors} descriptors"


class Churn:
    """Clients and daemons that come and go beside those that stay."""

    def __init__(self, cluster, residents, passing, dice):
        self._cluster = cluster
        self._residents = residents
        self._passing = passing  # daemons that do not stay; together they are no quorum
        self._dice = dice
        self._guests = {}  # pipe: the one who follows it
        self._arrivals = 0
        self.counts = {}

    def step(self):
        kind = self._dice.choices(["talk", "arrive", "leave", "quit", "kill", "daemon"],
                                  [60, 12, 8, 6, 6, 2])[0]
        if getattr(self, "_" + kind)():
            self.counts[kind] = self.counts.get(kind, 0) + 1
        for follower in self._guests.values():
            follower.follow()

    def _talk(self):
        line = '{"op":"send","group":"room","order":"%s","data":"%s"}\n'
        for pipe in self._dice.sample(self._residents + list(self._guests), 2):
            pipe.write("".join(line % (order, "x" * self._dice.randint(1, 300))
                               for order in ORDERS).encode())
        return True

    def _arrive(self):
        running = [d.name for d in self._cluster.daemons.values() if d.process.running()]
        if len(self._guests) == _GUESTS_MOST:
            return False
        self._arrivals += 1
        pipe = self._cluster.pipe(f"g{self._arrivals}", self._dice.choice(running))
        self._guests[pipe] = Follower(pipe, "room")
        pipe.join("room")
        return True

    def _any_guest(self):
        return self._dice.choice(list(self._guests)) if self._guests else None

    def _leave(self):
        """It comes back by itself: who follows it joins again."""
        guest = self._any_guest()
        if guest:
            guest.leave("room")
        return guest is not None

    def _quit(self):
        guest = self._any_guest()
        if guest:
            guest.quit()
            self._forget(guest)
        return guest is not None

    def _kill(self):
        guest = self._any_guest()
        if guest:
            guest.kill()
            self._forget(guest)
        return guest is not None

    def _forget(self, guest):
        del self._guests[guest]
        self._cluster.pipes.remove(guest)
        guest.process.popen.stdin.close()
        guest.process.popen.stdout.close()

    def _daemon(self):
        daemon = self._cluster.daemons[self._dice.choice(self._passing)]
        if not daemon.process.running():
            daemon.start().wait_ready()
        elif self._dice.random() < 0.7:
            daemon.kill()
        else:
            daemon.terminate()
            daemon.process.wait()
        return True

    def end(self):
        """All guests go, and all daemons are there."""
        for name in self._passing:
            if not self._cluster.daemons[name].process.running():
                self._cluster.daemons[name].start().wait_ready()
        for guest in list(self._guests):
            guest.quit()
            self._forget(guest)
        settle(self._residents)


class Soak(SystemTestCase):
    def wait_for_descriptors(self, cluster, staying, first):
        """A connection that was closed may be known to be closed a moment later."""

        def none_is_left():
            self.usage = {name: Usage(cluster.daemons[name].process.pid) for name in staying}
            return all(self.usage[name].descriptors <= first[name].descriptors
                       and self.usage[name].threads <= first[name].threads for name in staying)

        try:
            groupcomm.wait_until(none_is_left, "descriptors and threads as in the beginning")
        except groupcomm.TimedOut:
            self.fail(f"descriptors or threads have grown from {first} to {self.usage}")
        return self.usage

    def test_coming_and_going_leaves_nothing_behind(self):
        cluster = self.cluster(size=5)
        staying = ["n1", "n2", "n3"]
        residents = cluster.members("room", ["r1", "r2", "r3"])
        churn = Churn(cluster, residents, ["n4", "n5"], random.Random(SEED))
        cycle = min(_CYCLE_SECONDS_MOST, SECONDS / _CYCLES_LEAST)
        end = time.monotonic() + SECONDS
        pause = threading.Event()
        seen = {name: [] for name in staying}
        first = None
        while time.monotonic() < end or len(seen["n1"]) < _CYCLES_LEAST:
            cycle_end = time.monotonic() + cycle
            while time.monotonic() < cycle_end:
                churn.step()
                pause.wait(_STEP_SECONDS)  # the pace of it
            churn.end()
            if first is None:  # who has never seen anything come has not what it takes yet
                first = {name: Usage(cluster.daemons[name].process.pid) for name in staying}
            for name, usage in self.wait_for_descriptors(cluster, staying, first).items():
                seen[name].append(usage)
        print(f"soak of {SECONDS:g} s: {churn.counts}, {len(cluster.traces)} processes",
              *(f"{n}: {u[0]}; in the middle {u[len(u) // 2]}; in the end {u[-1]}"
                for n, u in seen.items()), sep="\n", file=sys.stderr)
        for name, usages in seen.items():
            self.assert_flat(name, [usage.kib for usage in usages])
        self.check_traces(cluster)

    def assert_flat(self, name, kib):
        """The last third holds no more than the one before."""
        third = len(kib) // 3
        before = statistics.median(kib[third:-third])
        after = statistics.median(kib[-third:])
        self.assertLessEqual(after, before * _NOISE_SHARE + _NOISE_KIB,
                             f"the memory of {name} grows: {kib} KiB")


if __name__ == "__main__":
    main()
