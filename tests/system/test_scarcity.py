#!/usr/bin/env python3
"""Disks that are full, and descriptors that run out. A tiny disk is a tmpfs, which needs root."""

import os
import pathlib
import socket
import subprocess
import tempfile
import threading

from system_test_case import BIN, SystemTestCase, groupcomm, main

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


class ScarcityTestCase(SystemTestCase):
    def new_cluster(self, size):
        """One that is not started yet."""
        cluster = groupcomm.Cluster(BIN, size)
        self.addCleanup(cluster.close)
        self.addCleanup(self.show_logs_of_a_failure, cluster)
        return cluster


class FullDisk(ScarcityTestCase):
    def test_a_daemon_that_cannot_keep_its_votes_does_not_vote(self):
        disk = TinyDisk(self)
        cluster = self.new_cluster(3)
        last = cluster.daemons["n3"]
        last.state = disk.folder / "state"
        cluster.start()
        second = cluster.members("room", ["c1", "c2", "c3"])[1]
        disk.fill()
        mark = second.mark()
        cluster.daemons["n1"].kill()
        # Of three daemons two must agree on the next view.
        self.assertEqual(last.process.wait(), 1)
        self.assertIn(f"cannot write {last.state}/record.tmp: {FULL}", groupcomm.tail(last.log))
        second.wait_for("suspended", start=mark)

        # Nor does it begin while it cannot note who it is.
        self.assertEqual(last.start().process.wait(), 2)
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
        cluster = self.new_cluster(3)
        first, second, _ = cluster.daemons.values()
        in_cluster = cluster.trace_path

        def trace_path(stem):
            if not stem.startswith("n1."):
                return in_cluster(stem)
            cluster.traces.append(disk.folder / "trace")
            return cluster.traces[-1]

        cluster.trace_path = trace_path
        second.log = disk.folder / "log"
        cluster.start()
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


class FewDescriptors(ScarcityTestCase):
    LIMIT = 80
    CROWD = 200

    def limited_cluster(self):
        """Of two daemons, n1 may have no more than LIMIT descriptors."""
        cluster = self.new_cluster(2)
        limited = ["prlimit", f"--nofile={self.LIMIT}"]
        cluster.prefix_of = lambda name: limited if name == "n1" else []
        return cluster.start()

    def clients_until_one_is_refused(self, cluster):
        served = []
        with self.assertRaises(groupcomm.TimedOut) as refusal:
            while len(served) < self.LIMIT:
                served.append(cluster.pipe(f"c{len(served)}", "n1"))
        self.assertIn("refused by the daemon: it has no descriptors left for more clients",
                      str(refusal.exception))
        return served

    def crowd(self, cluster):
        """Connections that say nothing: more than n1 may have descriptors."""
        sockets = []
        for _ in range(self.CROWD):
            caller = socket.socket(socket.AF_UNIX)
            self.addCleanup(caller.close)
            caller.connect(str(cluster.daemons["n1"].socket))
            sockets.append(caller)
        return sockets

    def processor_seconds(self, process):
        stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def assert_does_not_spin(self, process):
        before = self.processor_seconds(process)
        threading.Event().wait(1)
        self.assertLess(self.processor_seconds(process) - before, 0.3)

    def test_who_finds_none_left_is_told_and_the_others_go_on(self):
        cluster = self.limited_cluster()
        served = self.clients_until_one_is_refused(cluster)
        self.assertGreater(len(served), 5)
        for pipe in served:
            pipe.join("room")
        names = [pipe.name for pipe in served]
        for pipe in served:
            pipe.begin_behind_view("room", names)
        daemon = cluster.daemons["n1"]

        callers = self.crowd(cluster)
        self.assert_does_not_spin(daemon.process)
        for pipe in served:
            pipe.send("room", f"from {pipe.name}")
        self.assert_same_order(served, "room", len(served))
        status = cluster.ctl("n2", "status", "--json")
        self.assertEqual(len(groupcomm.json.loads(status.stdout)["members"]), 2)
        self.assertTrue(daemon.process.running())
        self.assertIn("no descriptors are left", groupcomm.tail(daemon.log))
        refused = cluster.ctl("n1", "status")
        self.assertNotEqual(refused.returncode, 0)

        # There is room again, also for what the daemon must write down of the next view.
        for caller in callers:
            caller.close()
        for pipe in served[:3]:
            self.assertEqual(pipe.quit(), 0)
        groupcomm.wait_until(lambda: cluster.ctl("n1", "status").returncode == 0,
                             "room for another client")
        cluster.daemons["n2"].kill()
        cluster.daemons["n2"].start().wait_ready()
        newcomer = cluster.pipe("newcomer", "n1").join("room")
        newcomer.wait_view("room", ["newcomer", *names[3:]])
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
