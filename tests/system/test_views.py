#!/usr/bin/env python3
"""Views of groups: who joins, leaves, crashes and comes back, as the members see it."""

import signal

from system_test_case import SystemTestCase, groupcomm, main


def reasons(view):
    return {groupcomm.short(left["process"]): left["reason"] for left in view["left"]}


class Views(SystemTestCase):
    def test_members_on_three_daemons_see_the_same_view(self):
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        views = [pipe.wait_view("room", ["a", "b", "c"], start=0) for pipe in pipes]
        for view in views:
            self.assertEqual(view["view"], views[0]["view"])
            self.assertEqual(view["members"], views[0]["members"])
            self.assertTrue(view["primary"])
        self.assertEqual([groupcomm.short(p) for p in views[0]["joined"]][-1:],
                         [groupcomm.short(views[0]["members"][-1])])
        self.check_traces(cluster)

    def test_a_leave_is_told_as_such(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        c.leave("room")
        self.assertEqual(c.wait_for("gone", group="room")["reason"], "left")
        for pipe in (a, b):
            self.assertEqual(reasons(pipe.wait_view("room", ["a", "b"])), {"c": "leave"})
        mark = a.mark()
        c.join("room")
        self.assertEqual(len(a.wait_view("room", ["a", "b", "c"], start=mark)["joined"]), 1)
        self.check_traces(cluster)

    def test_the_end_of_input_is_a_leave(self):
        cluster = self.cluster()
        a, _, c = cluster.members("room", ["a", "b", "c"])
        c.process.end_input()
        self.assertEqual(reasons(a.wait_view("room", ["a", "b"])), {"c": "leave"})
        self.assertEqual(c.process.wait(), 0)
        self.check_traces(cluster)

    def test_a_killed_client_leaves_as_crashed(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        c.kill()
        for pipe in (a, b):
            self.assertEqual(reasons(pipe.wait_view("room", ["a", "b"])), {"c": "crash"})
        self.check_traces(cluster)

    def test_a_killed_daemon_takes_its_clients_along_and_comes_back(self):
        cluster = self.cluster()
        a, b, c, d = cluster.members("room", ["a", "b", "c", "d"])  # d is on n1 again
        cluster.daemons["n3"].kill()
        for pipe in (a, b, d):
            view = pipe.wait_view("room", ["a", "b", "d"])
            self.assertEqual(reasons(view), {"c": "daemon_lost"})
        self.assertEqual(c.wait_for("gone", group="room")["reason"], "daemon_lost")
        c.wait_for("disconnected")
        mark, back = a.mark(), c.mark()
        cluster.daemons["n3"].start().wait_ready()
        c.wait_for("connected", start=back)
        c.join("room")
        a.wait_view("room", ["a", "b", "c", "d"], start=mark)
        self.check_traces(cluster)

    def test_the_first_daemon_may_be_the_one_that_dies(self):
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        status = cluster.ctl("n1", "status", "--json")
        self.assertEqual(status.returncode, 0, status.stderr)
        coordinator = groupcomm.json.loads(status.stdout)["members"][0]["name"]
        cluster.daemons[coordinator].kill()
        alive = [pipe for pipe in pipes if pipe.daemon.name != coordinator]
        for pipe in alive:
            pipe.wait_view("room", [p.name for p in alive])
        alive[0].send("room", "after the crash")
        self.assert_same_order(alive, "room", 1)
        cluster.daemons[coordinator].start().wait_ready()
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_a_terminated_daemon_leaves_at_once(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        cluster.daemons["n3"].terminate()
        for pipe in (a, b):
            self.assertEqual(reasons(pipe.wait_view("room", ["a", "b"])), {"c": "leave"})
        self.assertEqual(cluster.daemons["n3"].process.wait(), 0)
        c.wait_for("gone", group="room")
        c.wait_for("disconnected")
        self.check_traces(cluster)

    def test_all_daemons_may_be_stopped_and_started(self):
        cluster = self.cluster()
        cluster.members("room", ["a", "b", "c"])
        for daemon in cluster.daemons.values():
            daemon.terminate()
        for daemon in cluster.daemons.values():
            self.assertEqual(daemon.process.wait(), 0)
        for daemon in cluster.daemons.values():
            daemon.start()
        for daemon in cluster.daemons.values():
            daemon.wait_ready()
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_all_daemons_may_be_killed_and_started(self):
        cluster = self.cluster()
        cluster.members("room", ["a", "b", "c"])
        for daemon in cluster.daemons.values():
            daemon.kill()
        for daemon in cluster.daemons.values():
            daemon.start()
        for daemon in cluster.daemons.values():
            daemon.wait_ready()
        self.assert_serves(cluster)
        self.check_traces(cluster)


class Quorum(SystemTestCase):
    def test_a_minority_is_suspended_until_the_quorum_is_back(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        mark = a.mark()
        for name in ("n2", "n3"):
            cluster.daemons[name].process.signal(signal.SIGSTOP)
        a.wait_for("suspended", group="room")
        self.assert_rejected(a, "no_primary", "send", group="room", order="total", data="x", id=1)
        for name in ("n2", "n3"):
            cluster.daemons[name].process.thaw()
        ended = a.wait_timed(lambda e: e.get("group") == "room" and e["event"] in ("view", "gone"),
                             "view or gone", start=mark)[1]
        if ended["event"] == "view":
            a.send("room", "again")
            a.wait_for("message", group="room", data="again")
        self.assertTrue(b.process.running() and c.process.running())
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_a_stopped_daemon_is_excluded_and_told_so(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        cluster.daemons["n3"].process.freeze()
        for pipe in (a, b):
            self.assertEqual(list(reasons(pipe.wait_view("room", ["a", "b"]))), ["c"])
        a.send("room", "without c")
        self.assert_same_order([a, b], "room", 1)
        cluster.daemons["n3"].process.thaw()
        self.assertEqual(c.wait_for("gone", group="room")["reason"], "excluded")
        self.assertEqual(c.messages("room"), [], "c got what was sent after its exclusion")
        self.assert_serves(cluster)
        self.check_traces(cluster)


class Resource:
    """Something outside that leaders act on: it refuses lower fencing tokens than it has seen."""

    def __init__(self):
        self.token = (0, 0)

    def accepts(self, view_id):
        token = (int(view_id.split(".")[0]), int(view_id.split("/")[1]))
        if token < self.token:
            return False
        self.token = token
        return True


class Leaders(SystemTestCase):
    def test_a_leader_that_stood_still_is_refused_by_its_token(self):
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        resource = Resource()
        by_name = {pipe.name: pipe for pipe in pipes}
        for _ in range(2):
            old = pipes[0].all("view", group="room")[-1]
            leader = by_name[groupcomm.short(old["members"][0])]
            others = [pipe for pipe in pipes if pipe is not leader]
            self.assertTrue(resource.accepts(old["view"]))
            mark = leader.mark()
            leader.daemon.process.freeze()
            new = [pipe.wait_view("room", [other.name for other in others]) for pipe in others]
            self.assertEqual(new[0]["view"], new[1]["view"])
            self.assertNotEqual(new[0]["members"][0], old["members"][0])
            self.assertTrue(resource.accepts(new[0]["view"]))
            # It was told nothing, and takes itself for the leader.
            self.assertEqual(leader.all(start=mark), [])
            self.assertFalse(resource.accepts(old["view"]))
            leader.daemon.process.thaw()
            self.assertEqual(leader.wait_for("gone", start=mark)["reason"], "excluded")
            leader.wait_for("connected", start=mark)
            leader.join("room")
            for pipe in pipes:
                pipe.begin_behind_view("room", ["a", "b", "c"])
        self.check_traces(cluster)


class Options(SystemTestCase):
    def test_the_first_member_fixes_the_options(self):
        cluster = self.cluster()
        a, b = cluster.pipe("a", "n1"), cluster.pipe("b", "n2")
        a.join("uniform", uniform=True)
        a.wait_view("uniform", ["a"])
        self.assert_rejected(b, "bad_option", "join", group="uniform")
        b.join("uniform", uniform=True)
        for pipe in (a, b):
            pipe.wait_view("uniform", ["a", "b"])
        b.send("uniform", "for a quorum")
        self.assert_same_order([a, b], "uniform", 1)
        self.check_traces(cluster)

    def test_members_of_a_flush_group_hold_back_before_each_view(self):
        cluster = self.cluster()
        # All daemons are in one view: nobody's coming gives the group another.
        a, b, c = cluster.members("lobby", "abc")
        a.join("hall", sync="flush")
        a.wait_view("hall", ["a"])
        b.join("hall", sync="flush")
        a.wait_for("block", group="hall")
        a.send("hall", "last words", id="last")
        a.command("block_ok", group="hall")
        a.send("hall", "too late", id="late")
        self.assertEqual(a.wait_for("rejected", id="late")["reason"], "blocked")
        view = b.wait_view("hall", ["a", "b"])
        a.wait_view("hall", ["a", "b"])
        events = [event for event in a.all() if event.get("group") == "hall"]
        places = {kind: [i for i, e in enumerate(events) if e["event"] == kind]
                  for kind in ("message", "view")}
        self.assertLess(places["message"][0], places["view"][1])
        # The one that does not answer is evicted, and the others go on.
        marks = {pipe: pipe.mark() for pipe in (a, b)}
        c.join("hall", sync="flush")
        for pipe, mark in marks.items():
            pipe.wait_for("block", group="hall", start=mark)
        b.command("block_ok", group="hall")
        self.assertEqual(a.wait_for("gone", group="hall")["reason"], "evicted")
        self.assertEqual(reasons(b.wait_view("hall", ["b", "c"])), {"a": "evicted"})
        self.assertNotEqual(view["view"], b.wait_view("hall", ["b", "c"])["view"])
        # When a daemon dies there is nothing to wait for.
        mark = b.mark()
        cluster.daemons["n3"].kill()
        b.wait_for("block", group="hall", start=mark)
        b.wait_view("hall", ["b"], start=mark)
        b.send("hall", "free again")
        b.wait_messages("hall", 1)
        self.assertEqual(b.all("message", group="hall")[-1]["data"], "free again")
        self.check_traces(cluster)

    def test_a_flush_group_takes_members_with_this_option_only(self):
        cluster = self.cluster(size=1)
        a, b = cluster.pipe("a", "n1"), cluster.pipe("b", "n1")
        a.join("flush", sync="flush")
        a.wait_view("flush", ["a"])
        self.assert_rejected(b, "bad_option", "join", group="flush")
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
