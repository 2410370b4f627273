"""What all system tests share: a cluster per test that is ended whatever happens, and checked.

Environment:
  GROUPCOMM_BIN       the folder of groupcommd and groupcommctl (set by ctest)
  GROUPCOMM_TEST_ALL  set: repeat what can be a matter of luck much more often
"""

import os
import pathlib
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import cluster as groupcomm  # noqa: E402

BIN = pathlib.Path(os.environ.get("GROUPCOMM_BIN", ROOT / "build" / "release" / "bin"))
THOROUGH = bool(os.environ.get("GROUPCOMM_TEST_ALL"))


def repetitions(usual, thorough):
    return thorough if THOROUGH else usual


class SystemTestCase(unittest.TestCase):
    maxDiff = 2000

    def unstarted_cluster(self, size=3, config=None):
        """Its processes are ended after the test."""
        cluster = groupcomm.Cluster(BIN, size, config)
        self.addCleanup(cluster.close)
        self.addCleanup(self.show_logs_of_a_failure, cluster)
        return cluster

    def cluster(self, size=3, config=None):
        """A cluster that was started, and whose daemons have found together."""
        return self.unstarted_cluster(size, config).start().wait_formed()

    def show_logs_of_a_failure(self, cluster):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            print(f"{self.id()}\n{cluster.logs()}", file=sys.stderr)

    def check_traces(self, cluster):
        """Ends the cluster cleanly; what every process saw must fit together."""
        cluster.end_cleanly()
        verdict = cluster.verify()
        self.assertEqual(verdict.returncode, 0, verdict.stdout[-3000:] + verdict.stderr[-3000:])

    def assert_same_order(self, pipes, group, count):
        """All deliver the same `count` messages in the same order."""
        first, *others = [ids(pipe.wait_messages(group, count)) for pipe in pipes]
        for pipe, other in zip(pipes[1:], others):
            self.assertEqual(first, other, f"{pipes[0].name} and {pipe.name} differ")

    def assert_fifo(self, pipe, group):
        """Each sender's messages come in the order of their numbers, none missing."""
        last = {}
        for event in pipe.messages(group):
            sender = event["sender"]
            self.assertEqual(event["number"], last.get(sender, event["number"] - 1) + 1,
                             f"{pipe.name} misses a message of {sender}")
            last[sender] = event["number"]

    def assert_rejected(self, pipe, reason, op, **fields):
        """The command is answered by a rejection with this reason."""
        mark = pipe.mark()
        pipe.command(op, **fields)
        event = pipe.wait_for("rejected", start=mark)
        self.assertEqual(event["reason"], reason, event)
        return event

    def read_until(self, process, text):
        """The next line of its output with this text. If there is none in time, it is killed."""
        patience = threading.Timer(groupcomm.WAIT_SECONDS, process.kill)
        patience.start()
        try:
            while text not in (line := process.popen.stdout.readline().decode()):
                self.assertTrue(line, f"the output ended before {text!r}")
        finally:
            patience.cancel()
        return line

    def assert_serves(self, cluster, group="serves"):
        """Every daemon that was not ended takes a client, and they all hear one another."""
        for daemon in cluster.daemons.values():
            self.assertEqual(daemon.process.why_wrong(), "")
        names = [d.name for d in cluster.daemons.values() if d.process.running()]
        self.assertTrue(names)
        pipes = [cluster.pipe(f"{group}-{name}", name).join(group) for name in names]
        for pipe in pipes:
            pipe.wait_view(group, [other.name for other in pipes])
        for pipe in pipes:
            pipe.send(group, f"from {pipe.name}")
        self.assert_same_order(pipes, group, len(pipes))
        for pipe in pipes:
            pipe.quit()


def ids(messages):
    """What tells messages apart, and what they say."""
    return [(m["sender"], m["number"], m.get("data", m.get("data_b64"))) for m in messages]


# How a module ends where nothing could be tested: ctest then shows it as skipped.
SKIPPED = 77


def main():
    result = unittest.main(verbosity=2, exit=False).result
    if result.skipped:
        print(f"NOT TESTED: {len(result.skipped)} of {result.testsRun} tests were skipped",
              file=sys.stderr)
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(SKIPPED if len(result.skipped) == result.testsRun else 0)
