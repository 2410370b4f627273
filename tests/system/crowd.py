"""Clients in groups of all kinds, who talk in all orders, come, go and stand still."""

import fcntl
import itertools
import json
import struct
import termios

from follower import Follower, settle

ORDERS = ["reliable", "fifo", "causal", "total", "safe"]
# What the members of each group ask for.
GROUPS = {"plain": {}, "hall": {"sync": "flush"}, "uniform": {"uniform": True}}
# Who is at home where, again and again; of five each group has four, and they overlap in all ways.
HOMES = [("plain", "hall"), ("plain", "hall", "uniform"), ("plain", "uniform"),
         ("hall", "uniform"), ("plain", "hall", "uniform")]
# Who has so much left to read is asked for nothing more: the writer must not wait for it.
_UNREAD_MOST = 16384


class Client:
    """One pipe, and what it knows of its membership in each group."""

    def __init__(self, pipe, home):
        pipe.answer_blocks()
        self.pipe = pipe
        self.home = home
        self.followers = {group: Follower(pipe, group, group in home, **options)
                          for group, options in GROUPS.items()}

    def follow(self):
        if self.is_listening():
            for follower in self.followers.values():
                follower.follow()

    def is_listening(self):
        """It has read most of what it was asked for."""
        unread = fcntl.ioctl(self.pipe.process.popen.stdin, termios.FIONREAD, b"\0" * 4)
        return struct.unpack("i", unread)[0] < _UNREAD_MOST

    def peer(self, group, dice):
        """The full name of somebody in the group, as far as it knows; else None."""
        view = self.followers[group].view
        return dice.choice(view["members"]) if view else None


class Crowd:
    """So many clients at each daemon: {name: client}."""

    def __init__(self, cluster, dice, at_each=2):
        self._cluster = cluster
        self._dice = dice
        self.clients = {}
        homes = itertools.cycle(HOMES)
        for letter in "abcd"[:at_each]:
            for daemon in cluster.daemons:
                self._arrive(f"{letter}{daemon[1:]}", daemon, next(homes))
            next(homes)  # those of one daemon are not at home in the same groups

    def _arrive(self, name, daemon, home):
        self.clients[name] = Client(self._cluster.pipe(name, daemon), home)

    def somebody(self):
        return self._dice.choice(list(self.clients.values()))

    def follow(self):
        """Everybody joins and leaves what it has to."""
        for client in self.clients.values():
            client.follow()

    def talk(self, count=30):
        """Everybody sends, also to groups where it is no member. What is refused is refused:
        nobody waits for it."""
        for client in self.clients.values():
            if client.is_listening():
                client.pipe.write(b"".join(self._send(client, i) for i in range(count)))

    def _send(self, client, number):
        dice = self._dice
        groups = dice.sample(list(GROUPS), dice.choices([1, 2, 3], [70, 20, 10])[0])
        send = {"op": "send", "group": groups, "order": dice.choice(ORDERS), "data": str(number)}
        if dice.random() < 0.1:
            send["notify_safe"] = True
        if dice.random() < 0.05:
            send["self_discard"] = True
        if len(groups) == 1 and dice.random() < 0.05:
            send["to"] = client.peer(groups[0], dice)
        return json.dumps(send).encode() + b"\n"

    def stir(self):
        """Somebody joins a group or leaves it, at home there or not."""
        client = self.somebody()
        follower = client.followers[self._dice.choice(list(GROUPS))]
        follower.is_wanted = not follower.is_wanted
        return f"{client.pipe.name} {'joins' if follower.is_wanted else 'leaves'} {follower.group}"

    def replace(self):
        """Somebody is killed; another one of that name comes."""
        client = self.somebody()
        client.pipe.daemon.process.thaw()
        client.pipe.kill()
        self._arrive(client.pipe.name, client.pipe.daemon.name, client.home)
        return client.pipe.name

    def freeze(self):
        client = self.somebody()
        client.pipe.process.freeze()
        return client.pipe.name

    def thaw(self):
        for client in self.clients.values():
            client.pipe.process.thaw()
        return "all clients"

    def settle(self):
        """All go home, and each group is whole: see follower.settle."""
        self.thaw()
        for client in self.clients.values():
            for group, follower in client.followers.items():
                follower.is_wanted = group in client.home
        for group in GROUPS:
            settle([client.pipe for client in self.clients.values() if group in client.home],
                   group, [client.followers[group] for client in self.clients.values()])
