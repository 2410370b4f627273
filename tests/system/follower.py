"""Clients that come back: what one knows of its membership, and how all find together again."""

import time

from system_test_case import groupcomm

# Until everybody is in one view again after faults: several time-outs of the default configuration
# one after another, on a machine that is busy with other things.
SETTLE_SECONDS = 60
# How long one round of messages may take; a view change in its middle makes another round.
_ROUND_SECONDS = 3


class Follower:
    """Follows the events of a pipe that was made a member of the group once, and joins again where
    the membership was lost."""

    _JOIN_ID = "again"

    def __init__(self, pipe, group):
        self.pipe = pipe
        self.group = group
        self.view = None  # the newest view, while it is a member
        self._read = 0
        self._connected = False
        self._joining = False

    def follow(self):
        for event in self.pipe.all(start=self._read):
            self._read += 1
            kind = event["event"]
            if kind == "view" and event["group"] == self.group:
                self.view = event
                self._joining = False
            elif kind in ("gone", "disconnected", "connected"):
                self.view = None
                self._joining = False
                self._connected = kind == "connected" or (self._connected and kind == "gone")
            elif kind == "rejected" and event.get("id") == self._JOIN_ID:
                self._joining = False
        if self._connected and self.view is None and not self._joining:
            self.pipe.command("join", group=self.group, id=self._JOIN_ID)
            self._joining = True

    def names(self):
        return sorted(groupcomm.short(m) for m in self.view["members"]) if self.view else []


def settle(pipes, group="room"):
    """Waits until all these clients, and no others, are in one view and have heard a safe message
    of each other in it. The network must be whole by now, and all daemons up."""
    names = sorted(pipe.name for pipe in pipes)
    followers = [Follower(pipe, group) for pipe in pipes]
    deadline = time.monotonic() + SETTLE_SECONDS

    def together():
        for follower in followers:
            follower.follow()
        views = {follower.view["view"] for follower in followers if follower.view}
        return len(views) == 1 and all(follower.names() == names for follower in followers)

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
