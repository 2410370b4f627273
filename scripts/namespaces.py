"""A cluster whose daemons each have a network namespace of their own, so that one can be cut off.

A bridge in a namespace of its own joins them; nothing outside is touched. Needs root.
"""

import os
import shutil
import subprocess

import cluster as groupcomm


class Unavailable(Exception):
    """Network namespaces cannot be made here."""


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)


class NamespacedCluster(groupcomm.Cluster):
    """Daemon n1 is at 10.48.0.1, and so on."""

    def __init__(self, bin_folder, size=3, config=None, traces=True):
        if os.geteuid() != 0 or not shutil.which("ip"):
            raise Unavailable("network namespaces need root and the ip command")
        super().__init__(bin_folder, size, config, traces)
        self._tag = f"gc{os.getpid()}"
        self._made = []
        try:
            self._make_network()
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            raise Unavailable(f"cannot make a network namespace: {error}") from error

    def _namespace(self, name):
        return f"{self._tag}-{name}"

    def _add_namespace(self, name):
        _ip("netns", "add", self._namespace(name))
        self._made.append(self._namespace(name))
        _ip("-n", self._namespace(name), "link", "set", "lo", "up")

    def _make_network(self):
        self._add_namespace("hub")
        hub = self._namespace("hub")
        _ip("-n", hub, "link", "add", "br0", "type", "bridge")
        _ip("-n", hub, "link", "set", "br0", "up")
        for number, name in enumerate(self.daemons, 1):
            self._add_namespace(name)
            _ip("-n", hub, "link", "add", name, "type", "veth", "peer", "name", "eth0",
                "netns", self._namespace(name))
            _ip("-n", hub, "link", "set", name, "master", "br0", "up")
            _ip("-n", self._namespace(name), "addr", "add", f"10.48.0.{number}/24", "dev", "eth0")
            _ip("-n", self._namespace(name), "link", "set", "eth0", "up")

    def host_of(self, name):
        return f"10.48.0.{name[1:]}"

    def prefix_of(self, name):
        return ["ip", "netns", "exec", self._namespace(name)]

    def cut(self, name):
        """Drops every packet from and to this daemon's host; nobody is told."""
        _ip("-n", self._namespace("hub"), "link", "set", name, "nomaster")

    def heal(self, name):
        _ip("-n", self._namespace("hub"), "link", "set", name, "master", "br0")

    def close(self):
        super().close()
        for namespace in reversed(self._made):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        self._made = []
