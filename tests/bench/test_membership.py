#!/usr/bin/env python3
"""membership.py: what counts as the view that is waited for, and what does not."""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import membership
from contenders import BadRun, groupcomm

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("GROUPCOMM_BIN", ROOT / "build" / "release" / "bin"))


class Members(unittest.TestCase):
    def member(self, script, patience=20):
        """A member whose process is a script of the shell. It answers a line with a line."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        usual = membership.PATIENCE_SECONDS
        membership.PATIENCE_SECONDS = patience
        self.addCleanup(setattr, membership, "PATIENCE_SECONDS", usual)
        process = groupcomm.Process(["sh", "-c", script], pathlib.Path(folder.name) / "log",
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.popen.stdout.close)
        self.addCleanup(process.popen.stdin.close)
        self.addCleanup(process.kill)
        return membership.Member(process, membership.CorosyncWorld._nodes_of,
                                 {"join": '{"event":"view","nodes":[1,2]}'})

    ECHO = 'echo \'{"event":"connected"}\'; exec cat -u'

    def test_the_next_view_is_timed_and_no_earlier_one(self):
        member = self.member(self.ECHO)
        member.command("join")
        first = member.wait_view([1, 2], 0)
        mark = member.mark()
        member.command("join")
        self.assertGreater(member.wait_view([1, 2], mark), first)

    def test_another_view_than_the_right_one_counts_for_nothing(self):
        member = self.member(self.ECHO)
        member.command("join")
        with self.assertRaisesRegex(BadRun, r"\[1, 2\], and not \[1, 2, 3\]"):
            member.wait_view([1, 2, 3], 0)

    def test_a_view_that_does_not_come_counts_for_nothing(self):
        with self.assertRaisesRegex(groupcomm.TimedOut, r"\[1\] does not come"):
            self.member(self.ECHO, patience=0.5).wait_view([1], 0)

    def test_who_does_not_connect_is_not_waited_for_without_end(self):
        with self.assertRaisesRegex(groupcomm.TimedOut, "does not connect"):
            self.member("exec cat", patience=0.2)


class Toolkits(unittest.TestCase):
    def test_the_nodes_of_a_view(self):
        event = {"event": "view", "members": ["member@n3#1.2", "member@n1#9.1", "member@n3#1.5"]}
        self.assertEqual(membership.GroupcommWorld._nodes_of(event), [1, 3, 3])
        self.assertIsNone(membership.GroupcommWorld._nodes_of({"event": "connected"}))

    def test_a_daemon_tells_its_log_of_a_view_of_all(self):
        line = ("info installed view=2.1a2.1 members=n1#1a2,n2#1a3{} primary=yes\n")
        pattern = membership.GroupcommWorld.FORMED
        self.assertIsNone(re.search(pattern, line.format("")))
        self.assertIsNotNone(re.search(pattern, line.format(",n3#1a4")))


class Rounds(unittest.TestCase):
    class Failing:
        name = "groupcomm"

        def run(self, _work):
            raise BadRun("another view")

    def test_a_round_that_fails_is_in_no_figure(self):
        times = membership.MembershipTimes([self.Failing()], {})
        with contextlib.redirect_stderr(io.StringIO()) as said:
            times.run([membership.Membership()], 2)
        self.assertEqual(times.to_json()["rows"], [])
        self.assertIn("NOT COUNTED: groupcomm: membership: another view", said.getvalue())

    def membership(self, *arguments, **options):
        return subprocess.run([sys.executable, "-B",
                               str(ROOT / "tests" / "bench" / "membership.py"), "--bin", str(BIN),
                               "--rounds", "1", "--only", "groupcomm", "--json", *arguments],
                              capture_output=True, text=True, timeout=100, check=False, **options)

    def test_all_that_happens_is_timed(self):
        done = self.membership()
        if "SKIPPED: groupcomm: " in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {row["figure"]: row["contenders"]["groupcomm"]["median"]
                for row in json.loads(done.stdout)["rows"]}
        self.assertEqual(len(rows), 7)
        for what, took in rows.items():
            self.assertTrue(0 < took < 30_000, (what, took))
        # Nothing proves that a silent host is gone: it takes the time-out.
        self.assertGreater(rows["a silent host, ms"], 1000)

    def test_without_root_or_the_means_it_is_skipped_and_not_in_silence(self):
        done = self.membership(env={**os.environ, "PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("SKIPPED: groupcomm: network namespaces need root", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
