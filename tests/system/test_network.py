#!/usr/bin/env python3
"""Networks that cut, lose and heal: each daemon in a network namespace of its own. Needs root.

GROUPCOMM_FAULT_CYCLES says how many random faults are put on one after another, GROUPCOMM_SEED
which, and GROUPCOMM_KEEP where the traces of a failure are kept; see also system_test_case.py.
"""

import os
import pathlib
import random
import shutil
import threading
import time

from crowd import ORDERS, Crowd
from follower import settle
from system_test_case import BIN, SystemTestCase, groupcomm, main, repetitions

import namespaces  # in scripts/, where system_test_case looks
import test_restarts

PARTITIONABLE = '[membership]\npartition_policy = "partitionable"\n'


class NetworkTestCase(SystemTestCase):
    def network(self, size, config=None):
        """A started cluster with a network of its own; skips, and says so, where there is none."""
        try:
            cluster = namespaces.NamespacedCluster(BIN, size, config)
        except namespaces.Unavailable as reason:
            self.skipTest(f"NOT TESTED: {reason}")
        self.addCleanup(cluster.close)
        self.addCleanup(self.show_logs_of_a_failure, cluster)
        return cluster.start().wait_formed()

    def client_of(self, daemon):
        return f"c{daemon[1:]}"

    def members(self, cluster):
        """A client at each daemon, all in one view: {daemon's name: pipe}."""
        clients = [self.client_of(daemon) for daemon in cluster.daemons]
        return dict(zip(cluster.daemons, cluster.members("room", clients)))

    def talk(self, pipes, dice, count=50):
        """Everybody sends in all orders. What is refused is refused: nobody waits for it."""
        line = '{"op":"send","group":"room","order":"%s","data":"%d"}\n'
        for pipe in pipes:
            pipe.write("".join(line % (dice.choice(ORDERS), i) for i in range(count)).encode())

    def finish(self, cluster, pipes):
        """The network heals: all find together again, and no trace contradicts another."""
        cluster.heal()
        settle(list(pipes.values()))
        self.check_traces(cluster)


class Partitions(NetworkTestCase):
    """Each shape of cut, on five daemons r[0] to r[4] by rank."""

    def scenario(self, make_cuts, survivors):
        """`survivors`, by rank, must find themselves in a view of just them; the others are told
        that they have no quorum or are out."""
        cluster = self.network(5)
        pipes = self.members(cluster)
        ranks = cluster.by_rank()
        marks = {daemon: pipe.mark() for daemon, pipe in pipes.items()}
        dice = random.Random(5)
        self.talk(pipes.values(), dice)
        make_cuts(cluster, ranks)
        self.talk(pipes.values(), dice)
        going_on = [ranks[rank] for rank in survivors]
        for daemon in going_on:
            pipes[daemon].wait_view("room", [self.client_of(d) for d in going_on],
                                    start=marks[daemon])
        for daemon in set(ranks) - set(going_on):
            pipes[daemon].wait_timed(lambda e: e["event"] in ("suspended", "gone"),
                                     "word that it is out", start=marks[daemon])
        self.talk(pipes.values(), dice)
        self.finish(cluster, pipes)

    def test_a_minority_stops_and_the_majority_goes_on(self):
        self.scenario(lambda c, r: c.part(r[:2], r[2:]), [2, 3, 4])

    def test_the_first_may_be_cut_off(self):
        self.scenario(lambda c, r: c.isolate(r[0]), [1, 2, 3, 4])

    def test_the_last_may_be_cut_off(self):
        self.scenario(lambda c, r: c.isolate(r[4]), [0, 1, 2, 3])

    def test_one_that_nobody_hears_is_left_out(self):
        self.scenario(lambda c, r: c.cut([r[1]], r), [0, 2, 3, 4])

    def test_one_that_hears_nobody_is_left_out(self):
        self.scenario(lambda c, r: c.cut(r, [r[1]]), [0, 2, 3, 4])

    def test_of_two_that_do_not_hear_one_another_the_later_is_left_out(self):
        self.scenario(lambda c, r: c.part([r[1]], [r[3]]), [0, 1, 2, 4])

    def test_where_one_does_not_hear_another_the_later_is_left_out(self):
        self.scenario(lambda c, r: c.cut([r[3]], [r[1]]), [0, 1, 2, 4])

    def test_a_bridge_stays_with_the_first_side(self):
        self.scenario(lambda c, r: c.part(r[:2], r[3:]), [0, 1, 2])

    def test_a_ring_in_which_each_hears_its_neighbours_only_is_survived(self):
        """Who goes on depends on who falls silent first; that all agree on it does not."""
        cluster = self.network(5)
        pipes = self.members(cluster)
        ranks = cluster.by_rank()
        marks = {daemon: pipe.mark() for daemon, pipe in pipes.items()}
        for rank, daemon in enumerate(ranks):
            cluster.cut([ranks[(rank + 2) % 5], ranks[(rank + 3) % 5]], [daemon])
        self.talk(pipes.values(), random.Random(5))
        for daemon, pipe in pipes.items():
            pipe.wait_timed(lambda e: e["event"] in ("view", "suspended", "gone"),
                            "the consequence", start=marks[daemon])
        self.finish(cluster, pipes)


class Sides(NetworkTestCase):
    """Under the policy `partitionable` all sides go on, and come together again."""

    def is_primary(self, cluster, daemon):
        status = cluster.ctl(daemon, "status", "--json")
        self.assertEqual(status.returncode, 0, status.stderr)
        return groupcomm.json.loads(status.stdout)["primary"]

    def wait_side(self, pipes, side, marks):
        for daemon in side:
            pipes[daemon].wait_view("room", [self.client_of(other) for other in side],
                                    start=marks[daemon])

    def scenario(self, sides, primary):
        """`sides`: names of daemons; `primary`: the index of the one that is, or None."""
        cluster = self.network(5, PARTITIONABLE)
        pipes = self.members(cluster)
        marks = {daemon: pipe.mark() for daemon, pipe in pipes.items()}
        dice = random.Random(6)
        self.talk(pipes.values(), dice)
        for i, side in enumerate(sides):
            cluster.part(side, [name for other in sides[i + 1:] for name in other])
        self.talk(pipes.values(), dice)
        for i, side in enumerate(sides):
            self.wait_side(pipes, side, marks)
            for daemon in side:
                self.assertEqual(self.is_primary(cluster, daemon), i == primary, daemon)
        self.talk(pipes.values(), dice)
        marks = {daemon: pipe.mark() for daemon, pipe in pipes.items()}
        cluster.heal()
        self.wait_side(pipes, list(pipes), marks)
        groupcomm.wait_until(
            lambda: all(self.is_primary(cluster, daemon) for daemon in pipes),
            "a primary view of all")
        self.talk(pipes.values(), dice)
        self.finish(cluster, pipes)

    def test_two_go_on_and_one_is_primary(self):
        self.scenario([["n1", "n2"], ["n3", "n4", "n5"]], 1)

    def test_three_go_on_and_none_is_primary(self):
        self.scenario([["n1", "n4"], ["n2", "n3"], ["n5"]], None)


class Restarts(NetworkTestCase, test_restarts.Restarts):
    """The tests of test_restarts.py, each daemon on a host of its own."""

    def cluster(self, size=3, config=None):
        return self.network(size, config)


class Losses(NetworkTestCase):
    def test_a_network_that_loses_packets_delays_and_harms_nobody(self):
        cluster = self.network(3)
        pipes = self.members(cluster)
        dice = random.Random(6)
        for percent in (1, 5):
            cluster.lose(percent)
            for _ in range(repetitions(2, 10)):
                self.talk(pipes.values(), dice)
                settle(list(pipes.values()))
        for pipe in pipes.values():
            self.assertEqual(pipe.all("gone"), [])
        self.finish(cluster, pipes)

    def test_a_network_that_loses_every_fifth_packet_is_survived(self):
        cluster = self.network(3)
        pipes = self.members(cluster)
        dice = random.Random(7)
        for percent in (10, 20):
            cluster.lose(percent)
            for _ in range(repetitions(5, 20)):
                self.talk(pipes.values(), dice)
                threading.Event().wait(0.5)  # the bad weather itself
        self.finish(cluster, pipes)


class RandomFaults(NetworkTestCase):
    """On five daemons, whose clients are in groups of all kinds: see crowd.py."""

    def fault(self, cluster, crowd, dice):
        """Puts on a fault, or ends those of the network. Says what it is."""
        names = list(cluster.daemons)
        some = dice.sample(names, dice.randint(1, len(names) - 1))
        others = [name for name in names if name not in some]
        kind = dice.choice(["heal", "part", "cut", "pair", "lose", "pause", "resume", "kill", "end",
                            "client", "freeze", "thaw", "stir", "stir"])
        if kind == "heal":
            cluster.heal()
        elif kind == "part":
            cluster.part(some, others)
        elif kind == "cut":
            cluster.cut(some, others)
        elif kind == "pair":
            cluster.cut(some[:1], others[:1])
        elif kind == "lose":
            cluster.lose(dice.randint(1, 20))
        elif kind == "pause":
            cluster.daemons[some[0]].process.freeze()
        elif kind == "resume":
            for daemon in cluster.daemons.values():
                daemon.process.thaw()
        elif kind in ("kill", "end"):
            self.restart(cluster.daemons[some[0]], kind == "kill")
        elif kind == "stir":
            return ", ".join(crowd.stir() for _ in some)
        else:
            act = {"client": crowd.replace, "freeze": crowd.freeze, "thaw": crowd.thaw}[kind]
            return f"{kind} {act()}"
        return f"{kind} {some}"

    def restart(self, daemon, is_killed):
        daemon.process.thaw()
        if is_killed:
            daemon.kill()
        else:
            daemon.terminate()
            daemon.process.wait()
        daemon.start().wait_ready()

    def last(self, crowd, seconds):
        """The fault itself, while everybody does what it has to."""
        end = time.monotonic() + seconds
        pause = threading.Event()
        while time.monotonic() < end:
            crowd.follow()
            pause.wait(0.02)

    def test_leave_no_contradiction(self):
        self.endure(None)

    def test_leave_no_contradiction_where_all_sides_go_on(self):
        self.endure(PARTITIONABLE)

    def endure(self, config):
        cycles = int(os.environ.get("GROUPCOMM_FAULT_CYCLES", repetitions(10, 60)))
        seed = int(os.environ.get("GROUPCOMM_SEED", "8"))
        dice = random.Random(seed)
        # A fresh cluster now and then, so that the traces to be checked stay of a moderate size.
        while cycles > 0:
            cluster = self.network(5, config)
            crowd = Crowd(cluster, dice)
            crowd.settle()
            faults = []
            with self.subTest(seed=seed, cycles_left=cycles):
                for _ in range(min(cycles, 20)):
                    faults.append(self.fault(cluster, crowd, dice))
                    crowd.talk()
                    self.last(crowd, dice.uniform(0.05, 2.0))
                try:
                    for daemon in cluster.daemons.values():
                        daemon.process.thaw()
                    cluster.heal()
                    crowd.settle()
                    self.check_traces(cluster)
                except (groupcomm.TimedOut, AssertionError, RuntimeError):
                    print("\n".join(faults))
                    self.keep(cluster)
                    raise
            self.doCleanups()
            cycles -= 20

    def keep(self, cluster):
        """Where GROUPCOMM_KEEP names a folder, the traces and logs are copied there."""
        if folder := os.environ.get("GROUPCOMM_KEEP"):
            shutil.copytree(cluster.folder, pathlib.Path(folder) / cluster.folder.name,
                            ignore=lambda _, names:
                            [n for n in names if n.endswith((".sock", ".stream"))])


if __name__ == "__main__":
    main()
