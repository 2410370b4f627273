#!/usr/bin/env python3
"""The skeletons do their work, and a run that is not in order is refused."""

import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GROUPCOMM_BIN", ROOT / "build" / "release" / "bin"))
TRANSPORTS = ("sockets", "zmq")


def skeleton(*arguments):
    return subprocess.run([str(BIN / "skeleton"), *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


class Skeleton(unittest.TestCase):
    def report(self, *arguments):
        done = skeleton(*arguments, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_all_that_was_sent_is_delivered_to_each(self):
        for transport in TRANSPORTS:
            report = self.report(transport, "--seconds", "0.5", "--window", "64")
            members = report["members"]
            sent = sum(member["sent"] for member in members)
            self.assertGreater(sent, 1000)
            self.assertEqual([member["delivered"] for member in members], 3 * [sent])
            self.assertEqual(report["slowest"], min(member["rate"] for member in members))
            self.assertGreater(report["cpu_us_per_message"], 0)

    def test_frames_that_are_larger_than_what_is_read_at_once(self):
        for transport in TRANSPORTS:
            report = self.report(transport, "--seconds", "0.2", "--size", "700000", "--window",
                                 "4", "--senders", "1", "--sequencer", "1")
            self.assertEqual([member["sent"] > 0 for member in report["members"]].count(True), 1)

    def test_latencies(self):
        for transport in TRANSPORTS:
            report = self.report(transport, "--latency", "--samples", "50")
            self.assertEqual([member["samples"] for member in report["members"]], 3 * [50])

    def test_another_order_at_one_client_is_refused(self):
        self.assert_refused("order", "did not get the same|a gap in what node")

    def test_a_lost_message_is_refused(self):
        self.assert_refused("gap", "a gap")

    def assert_refused(self, disturbance, reason):
        for transport in TRANSPORTS:
            done = skeleton(transport, "--seconds", "0.5", "--disturb", disturbance)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, f"this run counts for nothing: .*({reason})")


if __name__ == "__main__":
    unittest.main(verbosity=2)
