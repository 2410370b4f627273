#!/usr/bin/env python3
"""Disks that are full. A tiny disk is a tmpfs, which needs root."""

import os
import pathlib
import subprocess
import tempfile

from system_test_case import SystemTestCase, groupcomm, main

FULL = "No space left on device"


class TinyDisk:
    """A file system with room for a few pages."""

    def __init__(self, test):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="groupcomm-disk-"))
        test.addCleanup(self.folder.rmdir)
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(self.folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            test.skipTest(f"NOT TESTED: no small disk: {error}")
        if os.geteuid() != 0 or done.returncode != 0:
            test.skipTest(f"NOT TESTED: a small disk needs root and mount: {done.stderr.strip()}")
        test.addCleanup(subprocess.run, ["umount", str(self.folder)], check=True)
        self._ballast = self.folder / "ballast"

    def fill(self):
        with open(self._ballast, "ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 512)
            except OSError as error:
                if FULL not in str(error):
                    raise

    def make_room(self):
        self._ballast.unlink()


class FullDisk(SystemTestCase):
    def test_a_daemon_that_cannot_keep_its_votes_does_not_vote(self):
        disk = TinyDisk(self)
        cluster = self.unstarted_cluster(3)
        last = cluster.daemons["n3"]
        last.state = disk.folder / "state"
        cluster.start().wait_formed()
        second = cluster.members("room", ["c1", "c2", "c3"])[1]
        disk.fill()
        mark = second.mark()
        last.process.may_end(1)
        cluster.daemons["n1"].kill()
        # Of three daemons two must agree on the next view.
        self.assertEqual(last.process.wait(), 1)
        self.assertIn(f"cannot write {last.state}/record.tmp: {FULL}", groupcomm.tail(last.log))
        second.wait_for("suspended", start=mark)

        # Nor does it begin while it cannot note who it is.
        last.start().process.codes.add(2)
        self.assertEqual(last.process.wait(), 2)
        self.assertIn(f"cannot write {last.state}/incarnation.tmp: {FULL}",
                      groupcomm.tail(last.log))
        self.assertEqual(second.all("view", start=mark), [])

        disk.make_room()
        last.start().wait_ready()
        second.wait_view("room", ["c2"], start=mark)
        cluster.daemons["n1"].start().wait_ready()
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_a_trace_and_a_log_that_cannot_be_written_stop_nobody(self):
        disk = TinyDisk(self)
        cluster = self.unstarted_cluster(3)
        first, second, _ = cluster.daemons.values()
        in_cluster = cluster.trace_path

        def trace_path(stem):
            if not stem.startswith("n1."):
                return in_cluster(stem)
            cluster.traces.append(disk.folder / "trace")
            return cluster.traces[-1]

        cluster.trace_path = trace_path
        second.log = disk.folder / "log"
        cluster.start().wait_formed()
        pipes = cluster.members("room", ["c1", "c2"])
        disk.fill()
        for number in range(100):
            pipes[0].send("room", str(number))
        self.assert_same_order(pipes, "room", 100)
        said = f"cannot write the trace {disk.folder}/trace: {FULL}"
        groupcomm.wait_until(lambda: said in first.log.read_text(), "what n1 says of its trace")

        pipes[1].kill()
        pipes[0].wait_view("room", ["c1"])
        second.terminate()  # what it would log now has no room
        self.assertEqual(second.process.wait(), 0)
        disk.make_room()
        second.start().wait_ready()
        self.assert_serves(cluster)
        self.assertEqual(first.log.read_text().count(said), 1)
        self.assertIn("serves clients", second.log.read_text())
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
