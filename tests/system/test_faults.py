#!/usr/bin/env python3
"""Faults at bad moments, slow readers and strangers that talk nonsense."""

import os
import random
import signal
import subprocess
import threading
import time
import unittest

import zmtp
from system_test_case import BIN, SystemTestCase, groupcomm, ids, main, repetitions


class DeathDuringAPause(SystemTestCase):
    """A's daemon and A die under load while C's daemon is stopped: B and C must not differ."""

    def scenario(self, order):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        stop = threading.Event()
        sender = threading.Thread(target=self._flood, args=(a, order, stop))
        sender.start()
        try:
            c.wait_messages("room", 500)
            frozen = cluster.daemons["n3"].process
            frozen.freeze()
            stop.wait(0.35)  # the pause itself: half of it before the deaths, half behind
            cluster.daemons["n1"].kill()
            a.kill()
            stop.wait(0.35)
            frozen.thaw()
        finally:
            stop.set()
            sender.join()
        b.wait_view("room", ["b", "c"])
        ended = c.wait_timed(lambda e: self._is_end(e), "the next view, or gone")[1]
        if ended["event"] == "view":
            in_b, in_c = self._before_next_view(b), self._before_next_view(c)
            self.assertEqual(sorted(in_b), sorted(in_c))
            self.assertEqual(in_b, in_c, "one sender, FIFO or stronger: the same order too")
            self.assertGreaterEqual(len(in_b), 500)
        else:
            self.assertEqual(ended["reason"], "excluded")
        self.check_traces(cluster)
        return ended["event"]

    def _flood(self, pipe, order, stop):
        line = '{"op":"send","group":"room","order":"%s","data":"%d"}\n'
        number = 0
        while not stop.is_set():
            lines = "".join(line % (order, number + i) for i in range(100))
            if not pipe.write(lines.encode()):
                return
            number += 100

    def _is_end(self, event):
        if event["event"] == "view" and event["group"] == "room":
            return sorted(groupcomm.short(m) for m in event["members"]) == ["b", "c"]
        return event["event"] == "gone"

    def _before_next_view(self, pipe):
        messages = []
        for event in pipe.all(start=pipe.base):
            if event["event"] == "message":
                messages.append(event)
            if self._is_end(event):
                break
        return ids(messages)

    def test_survivors_agree(self):
        for order in ("fifo", "total"):
            for number in range(repetitions(2, 20)):
                with self.subTest(order=order, number=number):
                    self.scenario(order)
                    self.doCleanups()


class KilledYoung(SystemTestCase):
    def test_is_noticed_long_before_the_time_out(self):
        """A refused connection proves nothing of a daemon that was first heard in the last 200 ms
        (rule D2), so hosts look again a little later."""
        cluster = self.cluster(config="[membership]\nsuspect_ms = 30000\n")
        victim = cluster.daemons["n3"]

        def is_member():
            views = [line for line in cluster.daemons["n1"].log.read_text().splitlines()
                     if " installed view=" in line]
            return bool(views) and "n3#" in views[-1].split(" left=")[0]

        for _ in range(repetitions(3, 20)):
            groupcomm.wait_until(is_member, "a view with n3")
            victim.kill()
            groupcomm.wait_until(lambda: not is_member(), "a view without n3")
            victim.start().wait_ready()
        groupcomm.wait_until(is_member, "a view with n3")
        self.check_traces(cluster)


class RandomDeaths(SystemTestCase):
    def test_kills_under_load_leave_no_contradiction(self):
        """Daemons are killed and started again at random while all talk; the traces must agree."""
        dice = random.Random(20)
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        for number in range(repetitions(4, 20)):
            for pipe in pipes:
                if pipe.process.running():
                    line = '{"op":"send","group":"room","order":"%s","data":"%d"}\n'
                    orders = ["reliable", "fifo", "causal", "total", "safe"]
                    pipe.write("".join(line % (dice.choice(orders), i)
                                       for i in range(100)).encode())
            victim = dice.choice(list(cluster.daemons.values()))
            client = next(pipe for pipe in pipes if pipe.daemon is victim)
            marks = [pipe.mark() for pipe in pipes]
            mark = client.mark()
            if dice.random() < 0.5:
                victim.kill()
            else:
                victim.terminate()
                self.assertEqual(victim.process.wait(), 0)
            client.wait_for("disconnected", start=mark)
            victim.start().wait_ready()
            client.wait_for("connected", start=mark)
            client.join("room")
            for pipe, begin in zip(pipes, marks):
                pipe.wait_view("room", ["a", "b", "c"], start=begin)
        self.check_traces(cluster)


class SlowReader(SystemTestCase):
    def test_is_evicted_and_nobody_else_waits(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        c.process.freeze()
        data = "x" * (1 << 20)
        for number in range(90):
            a.send("room", data, order="fifo", id=number)
            a.wait_for("accepted", id=number)  # more under way would be refused
        for pipe in (a, b):
            view = pipe.wait_view("room", ["a", "b"], timeout=60)
            self.assertEqual([left["reason"] for left in view["left"]], ["evicted"])
            pipe.wait_messages("room", 90, timeout=60)
        c.process.thaw()
        over = c.wait_timed(lambda e: e["event"] in ("gone", "disconnected"), "the eviction",
                            timeout=60)[1]
        if over["event"] == "gone":
            self.assertEqual(over["reason"], "evicted")
        self.assert_serves(cluster)
        self.check_traces(cluster)


class NeverIdle(SystemTestCase):
    def test_a_daemon_that_always_has_something_to_read_is_not_taken_for_dead(self):
        """Three senders that wait for their own messages keep all daemons busy without a pause: the
        daemons' timers must run all the same."""
        cluster = self.cluster()
        cluster.members("formed", ["a", "b", "c"])
        sockets = [str(daemon.socket) for daemon in cluster.daemons.values()]
        done = subprocess.run([str(BIN / "groupcommctl"), "bench", "--seconds", "5", "--patience",
                               "30", *sockets], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for daemon in cluster.daemons.values():
            self.assertNotIn("suspects", daemon.log.read_text())
        cluster.end_cleanly()


class RawStream(zmtp.RawPeer):
    """The same on the plain stream socket, where each frame stands behind its size."""

    @classmethod
    def to_daemon(cls, daemon):
        return cls.to_unix(f"{daemon.socket}.stream")

    def greet(self):
        return self

    def frame(self, body, more=False):
        self.socket.sendall(len(body).to_bytes(8, "little") + body)


class Garbage(SystemTestCase):
    def counters(self, cluster, daemon="n1"):
        status = cluster.ctl(daemon, "status", "--json")
        self.assertEqual(status.returncode, 0, status.stderr)
        return groupcomm.json.loads(status.stdout)["counters"]

    def nonsense(self, dice):
        yield b""
        yield b"GET / HTTP/1.1\r\n\r\n"
        for size in (1, 9, 64, 65, 1000, 100_000):
            yield dice.randbytes(size)
        yield b"\xff" * 70_000

    def throw(self, daemon, connect):
        """Plain bytes, then well-formed ZeroMQ messages whose contents make no sense. They are
        worth a line of the log, but not one each."""
        begin = time.monotonic()
        self.throw_all(connect)
        groupcomm.wait_until(lambda: self.complaints(daemon) > 0, "a line of the log")
        lines = self.complaints(daemon)
        self.assertLess(lines, 2 + time.monotonic() - begin)

    def complaints(self, daemon):
        return daemon.log.read_text().count("what is no frame")

    def throw_all(self, connect):
        dice = random.Random(7)
        for data in self.nonsense(dice):
            with connect() as peer:
                self._ignoring_the_end(peer.raw, data)
            with connect() as peer:
                self._ignoring_the_end(peer.greet)
                self._ignoring_the_end(peer.frame, data)
            with connect() as peer:
                self._ignoring_the_end(peer.greet)
                for _ in range(20):
                    self._ignoring_the_end(peer.frame, data[:200], True)
                self._ignoring_the_end(peer.frame, data)

    def _ignoring_the_end(self, call, *arguments):
        try:
            call(*arguments)
        except OSError:
            pass  # the daemon may end the connection at any moment

    def throw_at_clients_socket(self, connect):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        daemon = cluster.daemons["n1"]
        before = self.counters(cluster)["host_bad_client_frames"]
        self.throw(daemon, lambda: connect(daemon))
        a.send("room", "still here")
        self.assert_same_order([a, b, c], "room", 1)
        self.assertEqual(a.all("gone"), [])
        self.assert_serves(cluster)
        self.assertGreater(self.counters(cluster)["host_bad_client_frames"], before)
        self.check_traces(cluster)

    def test_at_the_client_socket_harms_nobody(self):
        self.throw_at_clients_socket(lambda daemon: zmtp.RawPeer.to_unix(daemon.socket))

    def test_at_the_stream_socket_harms_nobody(self):
        self.throw_at_clients_socket(RawStream.to_daemon)

    def test_at_the_peer_port_harms_nobody(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        daemon = cluster.daemons["n1"]
        self.throw(daemon, lambda: zmtp.RawPeer.to_tcp(daemon.port))
        a.send("room", "still here")
        self.assert_same_order([a, b, c], "room", 1)
        self.assertEqual(a.all("gone"), [])
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def resident_mib(self, daemon):
        with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS"))
        return int(line.split()[1]) >> 10

    def test_a_part_without_end_does_not_fill_the_memory(self):
        cluster = self.cluster(size=1)
        self.assert_serves(cluster, "before")
        daemon = cluster.daemons["n1"]
        with zmtp.RawPeer.to_unix(daemon.socket) as peer:
            peer.greet()
            self._ignoring_the_end(peer.raw, b"\x02" + (1 << 40).to_bytes(8, "big"))
            for _ in range(64):
                self._ignoring_the_end(peer.raw, bytes(1 << 20))
            self.assertLess(self.resident_mib(daemon), 100)
        self.assert_serves(cluster, "after")
        self.check_traces(cluster)

    def test_frames_that_are_announced_and_never_end_do_not_fill_the_memory(self):
        """Of those before a Hello a daemon waits for no end: it hangs up."""
        cluster = self.cluster(size=1)
        daemon = cluster.daemons["n1"]
        for announced in (16 << 20, (16 << 20) + 1, 1 << 40):
            with RawStream.to_daemon(daemon) as peer:
                self._ignoring_the_end(peer.raw, announced.to_bytes(8, "little") + bytes(1 << 16))
                self.assertTrue(self.is_hung_up_on(peer))
        self.assertLess(self.resident_mib(daemon), 100)
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def is_hung_up_on(self, peer):
        try:
            return peer.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def send_parts_without_end(self, daemon, connect):
        """Parts of a message whose last never comes, until the daemon hangs up. The resident MiB
        of the daemon by then."""
        part = bytes(1 << 20)
        with connect() as peer:
            peer.greet()
            for number in range(2000):
                try:
                    peer.frame(part, more=True)
                except OSError:
                    return self.resident_mib(daemon)
        raise AssertionError(f"{number + 1} MiB were taken")

    def test_a_message_of_parts_without_end_does_not_fill_the_memory(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        daemon = cluster.daemons["n1"]
        for connect in (lambda: zmtp.RawPeer.to_unix(daemon.socket),
                        lambda: zmtp.RawPeer.to_tcp(daemon.port)):
            self.assertLess(self.send_parts_without_end(daemon, connect), 300)
        self.assertEqual(self.counters(cluster)["host_overfull_connections"], 2)
        a.send("room", "still here")
        self.assert_same_order([a, b, c], "room", 1)
        self.check_traces(cluster)


class Paused(SystemTestCase):
    def test_a_stopped_client_only_delays_itself(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        c.process.signal(signal.SIGSTOP)
        for number in range(100):
            a.send("room", str(number), order="safe", id=number)
        for pipe in (a, b):
            pipe.wait_messages("room", 100)
        c.process.thaw()
        self.assert_same_order([a, b, c], "room", 100)
        self.check_traces(cluster)

    @unittest.skipIf(os.geteuid() != 0, "a full state folder needs root to be made")
    def test_a_state_folder_that_cannot_be_written_is_told_at_the_start(self):
        cluster = groupcomm.Cluster(BIN, 3)
        self.addCleanup(cluster.close)
        cluster.daemons["n1"].state.write_text("a file, not a folder")
        daemon = cluster.daemons["n1"].start()
        self.assertEqual(daemon.process.wait(), 2)
        self.assertEqual(groupcomm.tail(daemon.log).count("\n"), 1, groupcomm.tail(daemon.log))


if __name__ == "__main__":
    main()
