"""Clients that come back: what one knows of its membership, and how all find together again."""

import time

from system_test_case import groupcomm

# Until everybody is in one view again after faults: several time-outs of the default configuration
# one after another, on a machine that is busy with other things.
SETTLE_SECONDS = 60
# How long one round of messages may take; a view change in its middle makes another round.
_ROUND_SECONDS = 3


class Follower:
    """Follows the events of a pipe. Where it is wanted in the group and no member, it joins, again
    and again if need be; where it is not wanted, it leaves."""

    def __init__(self, pipe, group, is_wanted=True, **options):
        self.pipe = pipe
        self.group = group
        self.is_wanted = is_wanted
        self.view = None  # the newest view, while it is a member
        self._options = options
        self._id = f"following {group}"  # of its commands
        self._read = 0
        self._connected = False
        self._asked = False  # to join or to leave, and not answered yet

    def follow(self):
        for event in self.pipe.all(start=self._read):
            self._read += 1
            self._hear(event)
        if self._asked or not self._connected or self.is_wanted == (self.view is not None):
            return
        if self.is_wanted:
            self.pipe.command("join", group=self.group, id=self._id, **self._options)
        else:
            self.pipe.command("leave", group=self.group, id=self._id)
        self._asked = True

    def _hear(self, event):
        kind = event["event"]
        if kind in ("connected", "disconnected"):
            self._connected = kind == "connected"
        elif kind == "rejected" and event.get("id") == self._id:
            self._asked = False
            return
        elif kind not in ("view", "gone") or event["group"] != self.group:
            return
        # A view does not answer who has asked to leave.
        self._asked = self._asked and kind == "view" and self.view is not None
        self.view = event if kind == "view" else None

    def names(self):
        return sorted(groupcomm.short(m) for m in self.view["members"]) if self.view else []


def settle(pipes, group="room", followers=None):
    """Waits until all these clients, and no others, are in one view and have heard a safe message
    of each other in it. The network must be whole by now, and all daemons up. `followers`: of all
    clients that may be in the group, where it is more than these or they have options."""
    names = sorted(pipe.name for pipe in pipes)
    followers = followers or [Follower(pipe, group) for pipe in pipes]
    deadline = time.monotonic() + SETTLE_SECONDS

    def together():
        for follower in followers:
            follower.follow()
        members = [follower for follower in followers if follower.is_wanted]
        views = {follower.view["view"] for follower in members if follower.view}
        return len(views) == 1 and all(follower.names() == names for follower in members)

    for number in range(1000):
        left = deadline - time.monotonic()
        groupcomm.wait_until(together, f"one view of {names}", left)
        if _all_hear_all(pipes, group, f"round {number}"):
            return
    raise groupcomm.TimedOut(f"{names} are in one view but do not hear one another")


def _all_hear_all(pipes, group, text):
    marks = [pipe.mark() for pipe in pipes]
    for pipe in pipes:
        pipe.send(group, f"{text} of {pipe.name}", order="safe")
    deadline = time.monotonic() + _ROUND_SECONDS
    try:
        for pipe, mark in zip(pipes, marks):
            for other in pipes:
                pipe.wait_for("message", max(0.0, deadline - time.monotonic()), mark,
                              data=f"{text} of {other.name}")
    except groupcomm.TimedOut:
        if any(not pipe.process.running() for pipe in pipes):
            raise
        return False
    return True
