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
            own = f"{'abc'[int(name[1]) - 1]}@{name}#"
            self.assertIn(own, [client["process"][:len(own)] for client in status["clients"]])
            text = cluster.ctl(name, "status").stdout
            for peer in cluster.daemons.values():
                self.assertIn(peer.address, text)
        self.check_traces(cluster)

    def test_status_tells_what_a_peer_has_not_acknowledged(self):
        cluster = self.cluster()
        (a,) = cluster.members("room", ["a"])

        def unacknowledged():
            status = groupcomm.json.loads(cluster.ctl("n1", "status", "--json").stdout)
            return {m["name"]: m["unacknowledged"] for m in status["members"]}

        groupcomm.wait_until(lambda: not any(unacknowledged().values()), "acknowledgements")
        cluster.daemons["n3"].process.freeze()
        for number in range(5):
            a.send("room", str(number), order="fifo")
        a.wait_messages("room", 5)
        self.assertGreaterEqual(unacknowledged()["n3"], 5)
        cluster.daemons["n3"].process.thaw()
        groupcomm.wait_until(lambda: not any(unacknowledged().values()), "acknowledgements")
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
        self.assertIn("a@n1", self.read_until(watch, "room"))
        b = cluster.pipe("bertha", "n3").join("room")
        b.wait_view("room", ["a", "bertha"])
        self.read_until(watch, "bertha")
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

    def test_bootstrap_lets_the_rest_go_on_when_the_operator_says_so(self):
        cluster = self.cluster()
        _, _, c = cluster.members("room", ["a", "b", "c"])
        refused = cluster.ctl("n3", "bootstrap", "--force", "--yes")
        self.assertEqual((refused.returncode, refused.stderr),
                         (1, "groupcommctl: nothing to force: there is a view, and it has a "
                             "quorum\n"))
        others = [name for name in cluster.by_rank("n3") if name != "n3"]
        mark = c.mark()
        cluster.daemons["n1"].kill()
        cluster.daemons["n2"].kill()
        c.wait_for("suspended", start=mark)
        outlook = lambda: cluster.ctl("n3", "bootstrap")
        self.assertIn("just started", outlook().stderr)
        groupcomm.wait_until(lambda: outlook().stdout, "what it would mean")
        told = outlook()
        self.assertEqual(told.returncode, 1, told.stderr)
        self.assertIn(f"n3 would go on without {', '.join(others)}", told.stdout)
        for answer in ("", "no\n"):
            asked = cluster.ctl("n3", "bootstrap", "--force", text=answer)
            self.assertEqual((asked.returncode, asked.stderr),
                             (1, "groupcommctl: nothing was done\n"))
        done = cluster.ctl("n3", "bootstrap", "--force", text="yes\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\nGo on\? Type yes: view \S+ of n3\n\Z")
        view = c.wait_view("room", ["c"], start=mark)
        self.assertTrue(view["primary"] and view["recovered"])
        for name in ("n1", "n2"):
            cluster.daemons[name].start().wait_ready()
        status = lambda: cluster.ctl("n3", "status", "--json").stdout
        groupcomm.wait_until(lambda: len(groupcomm.json.loads(status())["members"]) == 3,
                             "all three in one view")
        self.check_traces(cluster)

    def test_verify_says_how_much_it_has_seen(self):
        cluster = self.cluster()
        cluster.members("room", ["a", "b"])
        cluster.end_cleanly()
        self.assertRegex(cluster.verify().stdout, r"no violation \(3 daemons .*; 2 clients ")

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
        self.assertIn(f"    {trace}:{first + 1}: deliver ", verdict.stdout)

    def test_verify_checks_what_can_be_checked(self):
        """Files that are cut anywhere, damaged, no traces, given twice or missing are named, and
        nobody is blamed for what they do not say."""
        cluster = self.cluster()
        a, b, _ = cluster.members("room", ["a", "b", "c"])
        for number in range(20):
            a.send("room", str(number), id=number)
        b.wait_messages("room", 20)
        cluster.daemons["n3"].kill()
        for pipe in (a, b):
            pipe.wait_view("room", ["a", "b"])
        b.send("room", "last")
        a.wait_messages("room", 21)
        cluster.end_cleanly()
        self.assertEqual(cluster.verify().returncode, 0)
        traces = list(cluster.traces)

        def verify(files):
            done = subprocess.run([str(BIN / "groupcommctl"), "verify", *map(str, files)],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("no violation", done.stdout, done.stderr)
            return done

        for trace in traces:
            self.assertEqual(verify([t for t in traces if t != trace]).returncode, 0)
            text = trace.read_bytes()
            lines = text.splitlines(True)
            for line in range(1, len(lines), 1 + len(lines) // 10):
                trace.write_bytes(b"".join([*lines[:line], b"rubbish\n", *lines[line:]]))
                done = verify(traces)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"note: {trace}:{line + 1}: ", done.stdout)
                trace.write_bytes(b"".join(lines[:line]) + lines[line][:-2])
                done = verify(traces)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn(f"note: {trace}:{line + 1}: the last line is cut", done.stdout)
                trace.write_bytes(b"".join(lines[:line]))
                done = verify(traces)
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn(f"note: {trace}:{line}: ends without `exit` or `crash`", done.stdout)
            trace.write_bytes(text)
        done = verify([*traces, traces[0]])
        self.assertEqual(done.returncode, 0)
        self.assertIn("is the same as", done.stdout)
        other = cluster.folder / "other"
        other.write_text("groupcomm-trace 2 role=client name=x\n")
        nothing = cluster.folder / "nothing"
        done = verify([*traces, other, BIN / "groupcommctl", nothing, cluster.folder])
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{other}:1: unknown version of the trace format: 2", done.stdout)
        self.assertIn(f"{BIN / 'groupcommctl'}:1: not a groupcomm trace", done.stdout)
        self.assertIn(f"{nothing}: cannot be opened", done.stdout)
        self.assertIn(f"{cluster.folder}: is a folder", done.stdout)
        self.assertIn("4 of", done.stderr)

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


class Patience(SystemTestCase):
    """A daemon that does not answer: one-shot commands end, the others say that they wait."""

    def start(self, cluster, daemon, *arguments):
        """groupcommctl with this daemon, its standard error in standard output."""
        command = [cluster.groupcommctl, "--socket", cluster.daemons[daemon].socket, *arguments]
        process = groupcomm.Process(command, cluster.folder / f"{arguments[0]}.log",
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cluster.processes.append(process)
        return process

    def assert_says(self, process, *texts):
        """On standard error or in its output, in this order."""
        for text in texts:
            groupcomm.wait_until(lambda: text in process.log.read_text(), text)

    def test_one_shot_commands_end_in_time(self):
        cluster = self.cluster(size=1)
        cluster.daemons["n1"].process.freeze()
        for arguments in (["status"], ["groups"], ["send", "room", "x"]):
            done = cluster.ctl("n1", *arguments, "--timeout", "0.3")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stderr, r"\Agroupcommctl: the daemon .*300 ms\n\Z")
        cluster.daemons["n1"].process.thaw()
        self.assertEqual(cluster.ctl("n1", "status", "--timeout", "0").returncode, 2)

    def test_a_daemon_that_stops_in_the_middle_ends_a_send(self):
        cluster = self.cluster(size=1)
        (a,) = cluster.members("room", ["a"])
        send = self.start(cluster, "n1", "send", "room", "--timeout", "0.3")
        send.popen.stdin.write(b"one\n")
        send.popen.stdin.flush()
        a.wait_for("message", data="one")
        # What it answers later has left behind its answer to the first line.
        self.assertEqual(cluster.ctl("n1", "status").returncode, 0)
        cluster.daemons["n1"].process.freeze()
        send.popen.stdin.write(b"two\n")
        send.popen.stdin.close()
        self.assertEqual(send.wait(), 1)
        self.assert_says(send, "within 0.3 s: of 2 messages 1 are known to be sent")

    def test_chat_and_watch_wait_for_a_stopped_daemon(self):
        cluster = self.cluster(size=1)
        cluster.daemons["n1"].process.freeze()
        chat = self.start(cluster, "n1", "chat", "room", "--name", "c")
        watch = self.start(cluster, "n1", "watch")
        for process in (chat, watch):
            self.assert_says(process, "did not answer", "waiting")
        cluster.daemons["n1"].process.thaw()
        self.read_until(chat, "* here: c@n1")
        self.read_until(watch, "room ")
        cluster.daemons["n1"].process.freeze()
        chat.popen.stdin.write(b"hello\n")
        chat.popen.stdin.flush()
        self.read_until(chat, "* waiting: the daemon does not answer")
        cluster.daemons["n1"].process.thaw()
        self.read_until(chat, "c: hello")

    def test_chat_and_watch_say_that_there_is_no_quorum(self):
        cluster = self.cluster()
        for name in ("n2", "n3"):
            cluster.daemons[name].kill()
        cluster.daemons["n1"].kill()
        cluster.daemons["n1"].start().wait_ready()
        chat = self.start(cluster, "n1", "chat", "room", "--name", "c")
        watch = self.start(cluster, "n1", "watch")
        self.read_until(chat, "* waiting: the daemon has not found a quorum")
        self.assert_says(watch, "has not found a quorum of the others yet; waiting")
        done = cluster.ctl("n1", "send", "room", "x")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no_primary", done.stderr)
        cluster.daemons["n2"].start()
        self.read_until(chat, "* here: c@n1")
        self.read_until(watch, "room ")

    def test_chat_does_not_obey_the_messages_of_others(self):
        cluster = self.cluster(size=1)
        (a,) = cluster.members("room", ["a"])
        chat = self.start(cluster, "n1", "chat", "room", "--name", "c")
        self.read_until(chat, "* here:")
        a.send("room", "\x1b[2Jhi\n* mallory joined")
        self.assertEqual(self.read_until(chat, "a: "), "a: \\x1b[2Jhi\\x0a* mallory joined\n")


if __name__ == "__main__":
    main()
