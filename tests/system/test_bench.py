#!/usr/bin/env python3
"""groupcommctl bench: what it measures, and what it refuses to count."""

import subprocess

from system_test_case import BIN, SystemTestCase, groupcomm, main


class Bench(SystemTestCase):
    def sockets(self, cluster):
        return [str(daemon.socket) for daemon in cluster.daemons.values()]

    def bench(self, *arguments):
        return subprocess.run([str(BIN / "groupcommctl"), "bench", *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def report(self, *arguments):
        done = self.bench("--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return groupcomm.json.loads(done.stdout)

    def assert_refused(self, done, reason):
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, reason)

    def test_throughput_of_each_order(self):
        cluster = self.cluster()
        for order in ("reliable", "fifo", "causal", "total", "safe"):
            report = self.report("--order", order, "--seconds", "0.3", *self.sockets(cluster))
            members = report["members"]
            self.assertEqual((report["order"], len(members)), (order, 3))
            sent = sum(member["sent"] for member in members)
            self.assertGreater(sent, 100)
            for member in members:
                self.assertEqual(member["delivered"], sent)
                self.assertGreaterEqual(member["rate"], report["slowest"])
        cluster.end_cleanly()

    def test_one_sender_and_large_messages(self):
        cluster = self.cluster()
        report = self.report("--senders", "1", "--size", "100000", "--window", "4", "--seconds",
                             "0.3", *self.sockets(cluster))
        senders = [member for member in report["members"] if member["sent"] > 0]
        self.assertEqual(len(senders), 1)
        cluster.end_cleanly()

    def test_groups_that_are_spread_over_clients(self):
        cluster = self.cluster()
        report = self.report("--groups", "40", "--clients", "4", "--seconds", "0.3",
                             *self.sockets(cluster))
        self.assertEqual(len(report["members"]), 12)
        sent = sum(member["sent"] for member in report["members"])
        self.assertEqual(sum(member["delivered"] for member in report["members"]), 3 * sent)
        cluster.end_cleanly()

    def test_latency_to_oneself_and_to_others(self):
        cluster = self.cluster()
        for background in ([], ["--background", "200"], ["--saturate"]):
            report = self.report("--latency", "--samples", "50", *background,
                                 *self.sockets(cluster))
            self.assertEqual(sorted(member["node"] for member in report["members"]), [1, 2, 3])
            for member in report["members"]:
                self.assertEqual(member["samples"], 50)
                self.assertLess(0, member["p50_us"])
                self.assertLessEqual(member["p50_us"], member["p99_us"])
                self.assertLessEqual(member["p99_us"], member["max_us"])
        cluster.end_cleanly()

    def test_a_table_for_people(self):
        cluster = self.cluster()
        done = self.bench("--seconds", "0.2", *self.sockets(cluster))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout.splitlines()), 4)
        for name in cluster.daemons:
            self.assertIn(f"bench@{name}#", done.stdout)
        cluster.end_cleanly()

    def test_members_that_do_not_come_are_named_as_the_reason(self):
        cluster = self.cluster()
        done = self.bench("--members", "4", "--seconds", "0.1", "--patience", "1",
                          *self.sockets(cluster))
        self.assert_refused(done, "not all members came in time")
        done = self.bench(*self.sockets(cluster), "/nonexistent/socket")
        self.assert_refused(done, "/nonexistent/socket")
        cluster.end_cleanly()

    def test_a_stranger_in_the_group_spoils_the_run(self):
        cluster = self.cluster()
        (a,) = cluster.members("bench", ["a"])
        done = self.bench("--seconds", "0.1", "--patience", "5", *self.sockets(cluster))
        self.assert_refused(done, "4 members, and not 3")
        a.quit()
        cluster.end_cleanly()

    def test_a_daemon_that_dies_meanwhile_spoils_the_run(self):
        cluster = self.cluster()
        running = subprocess.Popen([str(BIN / "groupcommctl"), "bench", "--seconds", "30",
                                    *self.sockets(cluster)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)

        def has_begun():
            status = groupcomm.json.loads(cluster.ctl("n1", "status", "--json").stdout)
            return status["counters"]["messages_delivered"] > 0

        groupcomm.wait_until(has_begun, "deliveries")
        cluster.daemons["n3"].kill()
        out, err = running.communicate(timeout=30)
        self.assertEqual((running.returncode, out), (1, ""))
        self.assertIn("this run counts for nothing", err)

    def test_members_that_would_be_in_no_group_or_several_latencies_are_refused(self):
        self.assert_refused(self.bench("--clients", "2"), "--clients is more than --groups")
        self.assert_refused(self.bench("--latency", "--groups", "2"), "in one group")

    def test_wrong_numbers_are_refused(self):
        for arguments in (["--size", "10"], ["--size", "100000000"], ["--order", "sorted"],
                          ["--seconds", "0"], ["--clients", "0"],
                          ["--saturate", "--background", "5"]):
            done = self.bench(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))


if __name__ == "__main__":
    main()
