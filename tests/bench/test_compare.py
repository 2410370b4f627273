#!/usr/bin/env python3
"""compare.py: what it computes, and what it leaves out."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import unittest

import compare
from contenders import BadRun, Unavailable, Work

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GROUPCOMM_BIN", ROOT / "build" / "release" / "bin"))


class Fake:
    """Has done the work at these rates; what is no number is raised."""

    def __init__(self, name, *outcomes):
        self.name = name
        self._outcomes = list(outcomes)

    def run(self, _work):
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return {"slowest": outcome, "cpu_us_per_message": 1.0}


def rates_of(*everyone):
    """(medians, ratios, table) of as many rounds as the first has outcomes."""
    comparison = compare.Comparison(everyone, {"other": "ours"})
    with contextlib.redirect_stderr(io.StringIO()):
        comparison.run([Work()], len(everyone[0]._outcomes))
    row = comparison.to_json()["rows"][0]
    assert row["figure"] == "messages/s", row
    found = row["contenders"]
    return ({name: found[name]["median"] for name in found},
            {name: found[name]["ratio"] for name in found}, comparison.table())


class Comparisons(unittest.TestCase):
    def test_a_ratio_is_the_median_of_those_within_a_round(self):
        medians, ratios, table = rates_of(Fake("ours", 100, 20, 300), Fake("other", 50, 20, 60))
        self.assertEqual(medians, {"ours": 100, "other": 50})
        self.assertEqual(ratios, {"ours": None, "other": 2.0})
        self.assertIn("| 100 | 50 (2.00) |", table)

    def test_a_run_that_counts_for_nothing_is_in_no_figure(self):
        medians, ratios, _ = rates_of(Fake("ours", 100, BadRun("x"), 300), Fake("other", 50, 7, 50))
        self.assertEqual((medians["ours"], ratios["other"]), (200, 4.0))

    def test_who_cannot_run_here_is_asked_once(self):
        medians, _, table = rates_of(Fake("ours", 100, 100), Fake("other", Unavailable("x")))
        self.assertEqual(medians, {"ours": 100})
        self.assertNotIn("other", table)


class Command(unittest.TestCase):
    def compare(self, *arguments, **options):
        return subprocess.run([sys.executable, "-B", str(ROOT / "tests" / "bench" / "compare.py"),
                               "--bin", str(BIN), "--rounds", "1", "--seconds", "0.3", "--windows",
                               "64", *arguments],
                              capture_output=True, text=True, timeout=100, check=False, **options)

    def test_groupcomm_beside_the_skeletons(self):
        done = self.compare("--only", "skeletons", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rate, cpu, memory = json.loads(done.stdout)["rows"]
        self.assertEqual(memory["contenders"]["skeleton on zmq"]["median"], None)
        self.assertGreater(memory["contenders"]["groupcomm"]["median"], 1)
        for row in (rate, cpu):
            self.assertEqual(list(row["contenders"]),
                             ["groupcomm", "skeleton on sockets", "skeleton on zmq"])
            for name, found in row["contenders"].items():
                self.assertGreater(found["median"], 0)
                self.assertEqual(found["ratio"] is None, name == "groupcomm")

    def test_without_the_packages_corosync_is_skipped_and_not_in_silence(self):
        done = self.compare("--only", "corosync", env={**os.environ, "PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 1)
        for line in ("SKIPPED: groupcomm in namespaces: network namespaces need root",
                     "SKIPPED: Corosync, sched_rr: no: needs the packages",
                     "SKIPPED: Corosync: needs the packages"):
            self.assertIn(line, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
