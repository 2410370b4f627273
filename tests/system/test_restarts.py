#!/usr/bin/env python3
"""Many starts and ends at once, and one after another."""

import random
import signal
import threading

from follower import settle
from system_test_case import SystemTestCase, groupcomm, main, repetitions

ORDERS = ["reliable", "fifo", "causal", "total", "safe"]


class Talk:
    """Clients that send without a pause until told to stop, a bounded number at a time."""

    def __init__(self, pipes):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(pipe,)) for pipe in pipes]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, pipe):
        dice = random.Random(pipe.name)
        number = 0
        while not self._stop.wait(0.01):
            line = '{"op":"send","group":"room","order":"%s","data":"%s %d"}\n'
            pipe.write("".join(line % (dice.choice(ORDERS), pipe.name, number + i)
                               for i in range(20)).encode())
            number += 20


class Restarts(SystemTestCase):
    def test_a_rolling_restart_under_load_disturbs_only_those_who_are_restarted(self):
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        for daemon in list(cluster.daemons.values()) * repetitions(1, 4):
            mine = next(pipe for pipe in pipes if pipe.daemon is daemon)
            marks = {pipe: pipe.mark() for pipe in pipes}
            with Talk(pipes):
                daemon.terminate()
                self.assertEqual(daemon.process.wait(), 0)
                mine.wait_for("disconnected", start=marks[mine])
                daemon.start().wait_ready()
                mine.wait_for("connected", start=marks[mine])
            settle(pipes)
            for pipe in pipes:
                if pipe is not mine:
                    lost = [e for kind in ("gone", "suspended", "disconnected")
                            for e in pipe.all(kind, start=marks[pipe])]
                    self.assertEqual(lost, [], f"{pipe.name}, while {daemon.name} was restarted")
        self.check_traces(cluster)

    def test_a_trace_holds_every_life_of_a_daemon(self):
        """With one file for all of them nothing is lost, and one after a SIGKILL is no less."""
        cluster = self.unstarted_cluster()

        def trace_path(stem):
            path = cluster.folder / (stem.split(".")[0] + ".trace")
            if path not in cluster.traces:
                cluster.traces.append(path)
            return path

        cluster.trace_path = trace_path
        cluster.start().wait_formed()
        pipes = cluster.members("room", ["a", "b", "c"])
        for daemon in cluster.daemons.values():
            pipes[0].send("room", f"before {daemon.name} ends")
            settle(pipes)
            if daemon.name == "n2":
                daemon.kill()
            else:
                daemon.terminate()
                daemon.process.wait()
            daemon.start().wait_ready()
            cluster.wait_formed()
            settle(pipes)
        cluster.end_cleanly()
        verdict = cluster.verify()
        self.assertEqual(verdict.returncode, 0, verdict.stdout)
        self.assertRegex(verdict.stdout, r"no violation \(6 daemons .*; 6 clients ")
        self.assertEqual(verdict.stdout.count("note: "), 1, verdict.stdout)
        self.assertRegex(verdict.stdout, r"n2\.trace:\d+: ends without `exit` or `crash`")

    def test_many_daemons_that_start_at_once_find_one_view(self):
        for _ in range(repetitions(1, 5)):
            cluster = self.cluster(size=7)
            self.assert_serves(cluster)
            for daemon in cluster.daemons.values():
                daemon.process.may_end(-signal.SIGKILL)
                daemon.process.popen.kill()
            for daemon in cluster.daemons.values():
                daemon.process.popen.wait()
                daemon.start()
            for daemon in cluster.daemons.values():
                daemon.wait_ready()
            cluster.wait_formed()
            self.assert_serves(cluster, "again")
            self.check_traces(cluster)
            self.doCleanups()

    def test_many_clients_that_come_back_at_once_are_all_served(self):
        cluster = self.cluster()
        names = [f"m{i}" for i in range(repetitions(20, 60))]
        pipes = [cluster.pipe(name, "n3") for name in names] + [cluster.pipe("a", "n1")]
        settle(pipes)
        for _ in range(repetitions(1, 5)):
            marks = [pipe.mark() for pipe in pipes[:-1]]
            cluster.daemons["n3"].kill()
            for pipe, mark in zip(pipes, marks):
                pipe.wait_for("disconnected", start=mark)
            cluster.daemons["n3"].start().wait_ready()
            settle(pipes)
        self.assertEqual(pipes[-1].all("gone"), [])
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
