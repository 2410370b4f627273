#!/usr/bin/env python3
"""scaling.py: what it computes, and what it judges."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import unittest

import scaling
from contenders import BadRun, Unavailable, Work, sum_up
from processes import MemoryWatch, counted_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GROUPCOMM_BIN", ROOT / "build" / "release" / "bin"))


def member(daemon, rate, delivered=30, cpu_seconds=0.0):
    return {"process": f"bench@{daemon}#1.2", "rate": rate, "delivered": delivered,
            "cpu_seconds": cpu_seconds}


def costing(cost):
    return {"members": [member("n1", 100)], "cpu_us_per_delivery": cost, "resident_mib": 10,
            "growth_mib": 1}


class Fake:
    """Has seen these runs, one after the other; what is no report is raised."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.works = []

    def run(self, work):
        self.works.append(work)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def scaling_of(measured, counted=None, places=((3, (1, 1)), (8, (1, 1)), (3, (40, 20))), rounds=1):
    found = scaling.Scaling([scaling.World(*place, measured, counted) for place in places])
    with contextlib.redirect_stderr(io.StringIO()):
        found.run([Work()], rounds)
        if counted:
            found.count_calls(Work())
    return found


class Worlds(unittest.TestCase):
    def test_all_members_send_in_all_groups(self):
        measured = Fake(*map(costing, (1, 1, 1)))
        scaling_of(measured)
        self.assertEqual([(w.daemons, w.senders, w.groups, w.clients) for w in measured.works],
                         [(3, 3, 1, 1), (8, 8, 1, 1), (3, 3, 40, 20)])

    def test_a_ratio_is_that_of_the_cost_to_the_first_world(self):
        found = scaling_of(Fake(*map(costing, (2, 2.2, 3, 4, 6, 5.6))), rounds=2)
        ratios = {name: seen["ratio"] for row in found.to_json()["rows"]
                  if row["figure"] == scaling.COST for name, seen in row["contenders"].items()}
        self.assertEqual(ratios, {"3 daemons": None, "8 daemons": (1.1 + 1.5) / 2,
                                  "3 daemons, 40 groups, 20 clients at each": (1.5 + 1.4) / 2})

    def test_daemons_and_crowds_have_limits_of_their_own(self):
        found = scaling_of(Fake(*map(costing, (2, 2.5, 3))))
        self.assertEqual(list(found.within_limits().values()), [False, True])
        self.assertIn("| 2.5 (1.25) | 10 (1.00) | 1 | NO (<= 1.2 x) |", found.table())
        limits = scaling_of(Fake(*map(costing, (2, 2.4, 3.1)))).within_limits()
        self.assertEqual(list(limits.values()), [True, False])

    def test_what_was_refused_is_within_no_limit(self):
        found = scaling_of(Fake(costing(2), BadRun("the order"), costing(2)))
        self.assertEqual(list(found.within_limits().values()), [False, True])
        self.assertIn("| 8 daemons | - | - | - | - | NO", found.table())

    def test_without_the_means_to_count_calls_the_rest_stays(self):
        found = scaling_of(Fake(*map(costing, (2, 2, 2))),
                           Fake(Unavailable("no perf"), BadRun("x"), {"calls_per_delivery": 1.5}))
        row = found.figures[(Work(), scaling.CALLS)]
        self.assertEqual(row, {"3 daemons, 40 groups, 20 clients at each": [1.5]})
        self.assertEqual(len(found.names()), 3)


class Figures(unittest.TestCase):
    def test_the_rate_is_that_of_the_slowest_daemon(self):
        members = [member("n1", 10), member("n1", 20), member("n2", 5), member("n2", 11)]
        self.assertEqual(scaling.rate_of({"members": members}), 16)

    def test_a_message_is_delivered_once_at_each_daemon(self):
        members = [member("n1", 1, delivered=20, cpu_seconds=0.25),
                   member("n1", 1, delivered=40, cpu_seconds=0.25),
                   member("n2", 1, delivered=60, cpu_seconds=0.5)]
        report = sum_up({"members": members}, 2, cpu_of_daemons=2.0)
        self.assertEqual(report["messages"], 60)
        self.assertEqual(report["cpu_us_per_message"], 50_000)
        self.assertEqual(report["cpu_us_per_delivery"], 25_000)

    def test_memory_is_that_of_the_largest_at_its_most(self):
        class Here:
            pid = os.getpid()

        with MemoryWatch([Here]) as memory:
            held = bytearray(64 << 20)
        self.assertGreater(memory.most(), 64)
        del held

    def test_memory_has_grown_where_the_second_half_was_above_the_first(self):
        memory = MemoryWatch([])
        for samples, growth in (([], 0), ([5], 0), ([5, 9, 7, 8], 0), ([5, 6, 9, 7], 3)):
            memory._samples = samples
            self.assertEqual(memory.growth(), growth)

    def test_counts_of_perf(self):
        text = "# started on Sun\n\n8437,,raw_syscalls:sys_enter,1000,100.00,,\n"
        self.assertEqual(counted_events(text), 8437)
        with self.assertRaises(BadRun):
            counted_events("# started\n<not supported>,,raw_syscalls:sys_enter,0,100.00,,\n")


class Command(unittest.TestCase):
    def scaling(self, *arguments):
        return subprocess.run([sys.executable, "-B", str(ROOT / "tests" / "bench" / "scaling.py"),
                               "--bin", str(BIN), "--rounds", "1", "--seconds", "0.3", *arguments],
                              capture_output=True, text=True, timeout=100, check=False)

    def test_more_daemons_and_a_crowd(self):
        done = self.scaling("--daemons", "3,5", "--crowds", "1x1,6x3", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(len(report["within_limits"]), 2)
        self.assertEqual({row["work"]["name"] for row in report["rows"]},
                         {"total, 64 B, all send, window 64"})
        rows = {row["figure"]: row["contenders"] for row in report["rows"]}
        for figure in ("messages/s", scaling.COST, "daemon's memory, MiB"):
            self.assertEqual(list(rows[figure]), ["3 daemons", "5 daemons",
                                                  "3 daemons, 6 groups, 3 clients at each"])
            for found in rows[figure].values():
                self.assertGreater(found["median"], 0, figure)

    def test_clients_without_a_group_are_refused(self):
        done = self.scaling("--crowds", "1x1,10x20")
        self.assertEqual(done.returncode, 2)
        self.assertIn("each client is in a group", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
