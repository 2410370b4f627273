#!/usr/bin/env python3
"""Messages between real processes: orders, addressees, sizes, and what is refused."""

import base64
import threading

from system_test_case import SystemTestCase, groupcomm, ids, main, repetitions

ORDERS = ["reliable", "fifo", "causal", "total", "safe"]


def flood(pipe, group, order, count):
    """Sends `count` messages in one go, from a thread of its own."""
    line = '{"op":"send","group":"%s","order":"%s","data":"%s %d","id":%d}\n'
    lines = "".join(line % (group, order, pipe.name, i, i) for i in range(1, count + 1))
    thread = threading.Thread(target=pipe.write, args=(lines.encode(),))
    thread.start()
    return thread


class Orders(SystemTestCase):
    def concurrent(self, cluster, order, count):
        """Three members send at once; gives them when all have delivered all."""
        pipes = cluster.members(f"room-{order}", ["a", "b", "c"])
        threads = [flood(pipe, f"room-{order}", order, count) for pipe in pipes]
        for thread in threads:
            thread.join()
        refused = sum(len(p.all("rejected", reason="would_block")) for p in pipes)
        for pipe in pipes:
            pipe.wait_messages(f"room-{order}", 3 * count - refused)
        return pipes

    def test_every_order_delivers_the_same_to_all(self):
        cluster = self.cluster()
        for order in ORDERS:
            with self.subTest(order=order):
                group = f"room-{order}"
                pipes = self.concurrent(cluster, order, 50)
                sets = [sorted(ids(pipe.messages(group))) for pipe in pipes]
                self.assertEqual(sets[0], sets[1])
                self.assertEqual(sets[0], sets[2])
                for event in pipes[0].messages(group):
                    self.assertEqual(event["order"], order)
                if order != "reliable":
                    for pipe in pipes:
                        self.assert_fifo(pipe, group)
                for pipe in pipes:
                    pipe.quit()
        self.check_traces(cluster)

    def test_total_order_is_one_order_under_load(self):
        for engine in ("sequencer", "lamport"):
            with self.subTest(engine=engine):
                cluster = self.cluster(config=f'[ordering]\ntotal = "{engine}"\n')
                pipes = self.concurrent(cluster, "total", repetitions(1000, 5000))
                lists = [ids(pipe.messages("room-total")) for pipe in pipes]
                self.assertEqual(lists[0], lists[1])
                self.assertEqual(lists[0], lists[2])
                self.check_traces(cluster)

    def test_an_answer_comes_after_its_question(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        for number in range(50):
            a.send("room", f"question {number}", order="causal")
            b.wait_for("message", data=f"question {number}")
            b.send("room", f"answer {number}", order="causal")
        for pipe in (a, b, c):
            said = [event["data"] for event in pipe.wait_messages("room", 100)]
            for number in range(50):
                self.assertLess(said.index(f"question {number}"), said.index(f"answer {number}"))
        self.check_traces(cluster)

    def test_mixed_orders_of_one_sender_do_not_overtake(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        for number in range(200):
            a.send("room", str(number), order=ORDERS[1 + number % 4])
        for pipe in (a, b, c):
            said = [event["data"] for event in pipe.wait_messages("room", 200)]
            self.assertEqual(said, [str(number) for number in range(200)])
        self.check_traces(cluster)

    def test_a_notice_says_that_all_members_have_the_message(self):
        cluster = self.cluster()
        pipes = cluster.members("room", ["a", "b", "c"])
        a = pipes[0]
        for order in ORDERS:
            a.send("room", order, order=order, notify_safe=True)
        self.assertEqual([a.wait_for("safe", number=n)["group"] for n in range(1, 6)], ["room"] * 5)
        # Who reads nothing has seen nothing.
        pipes[2].process.freeze()
        mark = a.mark()
        a.send("room", "is anybody missing?", notify_safe=True)
        pipes[1].wait_for("message", data="is anybody missing?")
        a.send("room", "to b only", to=pipes[1].process_name, notify_safe=True)
        a.wait_for("message", data="is anybody missing?")
        self.assertEqual(a.all("safe")[5:], [])
        pipes[2].process.thaw()
        a.wait_for("safe", start=mark, number=6)
        a.wait_for("safe", start=mark, number=7)
        self.check_traces(cluster)

    def test_a_notice_does_not_wait_for_those_who_died(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        c.process.freeze()
        a.send("room", "to all", order="safe", notify_safe=True)
        b.wait_for("message", data="to all")
        mark = a.mark()
        cluster.daemons["n3"].kill()
        a.wait_for("safe", number=1)
        a.wait_view("room", ["a", "b"], start=mark)
        c.process.thaw()
        self.check_traces(cluster)


class Addressees(SystemTestCase):
    def test_one_member_only(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        a.send("room", "for b", order="fifo", to=b.process_name)
        a.send("room", "for all", order="fifo")
        self.assertEqual([e["data"] for e in b.wait_messages("room", 2)], ["for b", "for all"])
        self.assertEqual([e["data"] for e in c.wait_messages("room", 1)], ["for all"])
        self.assertEqual([e["data"] for e in a.wait_messages("room", 1)], ["for all"])
        self.check_traces(cluster)

    def test_all_but_oneself(self):
        cluster = self.cluster()
        a, b, c = cluster.members("room", ["a", "b", "c"])
        a.send("room", "for the others", self_discard=True)
        a.send("room", "for all")
        self.assertEqual([e["data"] for e in a.wait_messages("room", 1)], ["for all"])
        for pipe in (b, c):
            self.assertEqual([e["data"] for e in pipe.wait_messages("room", 2)],
                             ["for the others", "for all"])
        self.check_traces(cluster)

    def test_several_groups_in_one_order(self):
        cluster = self.cluster()
        a, b, c = cluster.members("left", ["a", "b", "c"])
        for pipe in (a, b, c):
            pipe.join("right")
        for pipe in (a, b, c):
            pipe.wait_view("right", ["a", "b", "c"])
        for pipe in (a, b):
            for number in range(20):
                pipe.command("send", group=["left", "right"], order="total",
                             data=f"{pipe.name}{number}", id=number)
        for pipe in (a, b, c):
            pipe.wait_messages("left", 40)
            pipe.wait_messages("right", 40)
        orders = [ids(p.messages(g)) for p in (a, b, c) for g in ("left", "right")]
        for other in orders[1:]:
            self.assertEqual([i[::2] for i in orders[0]], [i[::2] for i in other])
        self.assertEqual(len(a.all("accepted")), 40)
        self.check_traces(cluster)

    def test_a_stranger_may_send_to_a_group(self):
        cluster = self.cluster()
        a, b = cluster.members("room", ["a", "b"])
        stranger = cluster.pipe("stranger", "n3")
        for number in range(20):
            stranger.send("room", f"{number}", id=number)
        for pipe in (a, b):
            said = pipe.wait_messages("room", 20)
            self.assertEqual([e["data"] for e in said], [str(n) for n in range(20)])
            self.assertEqual([e["number"] for e in said], list(range(1, 21)))
            self.assertEqual({groupcomm.short(e["sender"]) for e in said}, {"stranger"})
        self.assertEqual(stranger.messages("room"), [])
        done = cluster.ctl("n3", "send", "room", text="one\ntwo\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([e["data"] for e in a.wait_messages("room", 22)[-2:]], ["one", "two"])
        self.check_traces(cluster)


class Sizes(SystemTestCase):
    def test_payloads_of_all_sizes_arrive_whole(self):
        cluster = self.cluster()
        a, b = cluster.members("room", ["a", "b"])
        sizes = [0, 1, 65535, 65536, 65537, 1 << 20, 5_000_001]
        for number, size in enumerate(sizes):
            data = bytes((number + i) % 251 for i in range(min(size, 997))) * (size // 997 + 1)
            a.command("send", group="room", order=ORDERS[number % 5],
                      data_b64=base64.b64encode(data[:size]).decode(), id=number)
        for pipe in (a, b):
            got = sorted(len(groupcomm.payload_of(e)) for e in pipe.wait_messages("room", 7))
            self.assertEqual(got, sizes)
        self.assertEqual(sorted(map(groupcomm.payload_of, a.messages("room"))),
                         sorted(map(groupcomm.payload_of, b.messages("room"))))
        self.check_traces(cluster)

    def test_64_mebibytes_are_the_limit(self):
        cluster = self.cluster()
        a, b = cluster.members("room", ["a", "b"])
        limit = 64 << 20
        event = self.assert_rejected(a, "too_big", "send", group="room", order="total",
                                     data="x" * (limit + 1), id="big")
        self.assertEqual(event["id"], "big")
        a.send("room", "y" * limit, id="just")
        for pipe in (a, b):
            message = pipe.wait_for("message", timeout=60, group="room")
            self.assertEqual(len(message["data"]), limit)
        self.check_traces(cluster)

    def test_bytes_that_are_no_text_travel_as_base64(self):
        cluster = self.cluster(size=1)
        (a,) = cluster.members("room", ["a"])
        a.command("send", group="room", order="total", data_b64="/wD+")
        self.assertEqual(a.wait_for("message")["data_b64"], "/wD+")
        a.send("room", "plain ünïcode")
        self.assertEqual(a.wait_for("message", data="plain ünïcode")["order"], "total")
        self.check_traces(cluster)


class Rejections(SystemTestCase):
    def test_each_bad_request_is_refused_with_its_reason(self):
        cluster = self.cluster()
        a, b = cluster.members("room", ["a", "b"])
        stranger = cluster.pipe("s", "n3")
        send = {"op": "send", "order": "total", "data": "x", "id": 1}
        for bad in ("", "x" * 256, "line\nfeed", "\x7f"):
            self.assert_rejected(a, "bad_name", "join", group=bad)
            self.assert_rejected(a, "bad_name", **{**send, "group": bad})
        self.assert_rejected(a, "no_such_group", group="nobody", **send)
        self.assert_rejected(a, "not_member", group="room", to=stranger.process_name, **send)
        self.assert_rejected(stranger, "not_member", "leave", group="room")
        self.assert_rejected(stranger, "not_member", "block_ok", group="room")
        self.assert_rejected(a, "no_such_group", group=["room", "nobody"], **send)
        a.send("room", "the only one", id="last")
        self.assertEqual(a.wait_for("accepted", id="last")["number"], 1)
        for pipe in (a, b):
            self.assertEqual([e["data"] for e in pipe.wait_messages("room", 1)], ["the only one"])
        self.check_traces(cluster)

    def test_a_line_that_is_not_understood_does_nothing(self):
        cluster = self.cluster(size=1)
        (a,) = cluster.members("room", ["a"])
        bad = ["not json", "[1,2]", '{"op":"fly"}', '{"group":"room"}',
               '{"op":"send","group":"room","order":"sorted","data":"x"}',
               '{"op":"send","group":"room","order":"total"}',
               '{"op":"send","group":"room","order":"total","data_b64":"%%%"}', '{"op":5}',
               '{"op":"join"}', "\udcff"]
        for line in bad:
            mark = a.mark()
            a.write(line.encode(errors="surrogateescape") + b"\n")
            self.assertTrue(a.wait_for("error", start=mark)["message"])
        a.write(b'{"op":"send","group":"room","order":"fifo","data":"fine","new":true}\n')
        self.assertEqual([e["data"] for e in a.wait_messages("room", 1)], ["fine"])
        self.check_traces(cluster)


if __name__ == "__main__":
    main()
