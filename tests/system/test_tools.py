#!/usr/bin/env python3
"""groupcommctl and the examples, as a user runs them."""

import os
import subprocess

from system_test_case import BIN, SystemTestCase, groupcomm, main


class Tools(SystemTestCase):
    def test_status_tells_the_view(self):
        cluster = self.cluster()
        cluster.members("room", ["a", "b", "c"])
        for name in cluster.daemons:
            status = groupcomm.json.loads(cluster.ctl(name, "status", "--json").stdout)
            self.assertTrue(status["primary"])
            self.assertEqual(sorted(m["name"] for m in status["members"]), ["n1", "n2", "n3"])
            self.assertTrue(status["version"])
            text = cluster.ctl(name, "status").stdout
            for peer in cluster.daemons.values():
                self.assertIn(peer.address, text)
        self.check_traces(cluster)

    def test_groups_lists_groups_and_members(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        a.join("other")
        a.wait_view("other", ["a"])
        groups = {g["group"]: g for g in groupcomm.json.loads(
            cluster.ctl("n1", "groups", "--json").stdout)}
        self.assertEqual(sorted(groups), ["other", "room"])
        self.assertEqual(sorted(groups["room"]["members"]),
                         sorted(p.process_name for p in (a, b, c)))
        self.assertIn(b.process_name, cluster.ctl("n1", "groups").stdout)
        self.check_traces(cluster)

    def test_watch_prints_view_changes(self):
        cluster = self.cluster()
        (a,) = cluster.members("room", ["a"])
        watch = groupcomm.Process(
            [cluster.groupcommctl, "--socket", cluster.daemons["n2"].socket, "watch", "room"],
            cluster.folder / "watch.log", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        cluster.processes.append(watch)
        self.assertIn(b"room", watch.popen.stdout.readline())
        b = cluster.pipe("bertha", "n3").join("room")
        b.wait_view("room", ["a", "bertha"])
        while b"bertha" not in (line := watch.popen.stdout.readline()):
            self.assertTrue(line, "watch ended")
        a.quit()
        self.check_traces(cluster)

    def test_without_a_daemon_one_line_says_so(self):
        commands = [["status"], ["groups"], ["send", "room", "x"], ["chat", "room"], ["pipe"]]
        for arguments in commands:
            done = subprocess.run([str(BIN / "groupcommctl"), "--socket", "/no/such.sock",
                                   *arguments], capture_output=True, text=True, timeout=20,
                                  stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 1, (arguments, done.stderr))
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_wrong_usage_exits_with_2(self):
        for arguments in ([], ["fly"], ["chat"], ["send", "room", "--order", "sorted", "x"]):
            done = subprocess.run([str(BIN / "groupcommctl"), *arguments], capture_output=True,
                                  text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))

    def test_verify_finds_a_planted_lie(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        for number in range(5):
            a.send("room", str(number), id=number)
        for pipe in (a, b, c):
            pipe.wait_messages("room", 5)
        cluster.end_cleanly()
        self.assertEqual(cluster.verify().returncode, 0)
        trace = next(p for p in cluster.traces if "pipe-b" in p.name)
        lines = trace.read_text().splitlines(True)
        deliveries = [i for i, line in enumerate(lines) if line.startswith("deliver")]
        first, second = deliveries[:2]
        lines[first], lines[second] = lines[second], lines[first]
        trace.write_text("".join(lines))
        verdict = cluster.verify()
        self.assertEqual(verdict.returncode, 1, verdict.stdout)
        self.assertTrue(verdict.stdout + verdict.stderr)

    def test_the_program_of_the_readme_runs(self):
        cluster = self.cluster(size=1)
        done = subprocess.run([str(BIN / "readme_hello")], capture_output=True, text=True,
                              timeout=20, stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ,
                                   "GROUPCOMM_SOCKET": str(cluster.daemons["n1"].socket)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("we are 1, I have rank 0", done.stdout)
        self.assertIn("says hello", done.stdout)

    def test_the_chat_example_talks(self):
        cluster = self.cluster()
        (a,) = cluster.members("room", ["a"])
        done = subprocess.run([str(BIN / "chat"), "bertha", "room"], input="hello\n", text=True,
                              capture_output=True, timeout=20, check=False,
                              env={**os.environ,
                                   "GROUPCOMM_SOCKET": str(cluster.daemons["n2"].socket)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(a.wait_for("message")["data"], "hello")
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
