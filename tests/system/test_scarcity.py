#!/usr/bin/env python3
"""Descriptors that run out, and a crowd at the door."""

import os
import pathlib
import socket
import threading

from system_test_case import SystemTestCase, groupcomm, main


class FewDescriptors(SystemTestCase):
    LIMIT = 80
    CROWD = 200

    def limited_cluster(self):
        """Of two daemons, n1 may have no more than LIMIT descriptors."""
        cluster = self.unstarted_cluster(2)
        limited = ["prlimit", f"--nofile={self.LIMIT}"]
        cluster.prefix_of = lambda name: limited if name == "n1" else []
        return cluster.start().wait_formed()

    def clients_until_one_is_refused(self, cluster):
        served = []
        with self.assertRaises(groupcomm.TimedOut) as refusal:
            while len(served) < self.LIMIT:
                served.append(cluster.pipe(f"c{len(served)}", "n1"))
        self.assertIn("refused by the daemon: it has no descriptors left for more clients",
                      str(refusal.exception))
        cluster.pipes[-1].process.codes.add(1)
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


class ManyAtOnce(SystemTestCase):
    CROWD = 400

    def test_who_comes_with_many_others_finds_that_somebody_listens(self):
        cluster = self.cluster(1)
        daemon = cluster.daemons["n1"]
        daemon.process.freeze()
        for number in range(self.CROWD):
            caller = socket.socket(socket.AF_UNIX)
            self.addCleanup(caller.close)
            caller.setblocking(False)
            self.assertEqual(caller.connect_ex(str(daemon.socket)), 0, f"caller {number}")
        daemon.process.thaw()
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
