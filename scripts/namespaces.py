"""A cluster whose daemons each have a network namespace of their own, with faults between them.

A bridge in a namespace of its own joins them; nothing outside is touched. Packets are dropped where
they arrive, in silence. Needs root, the ip command, and nft for the faults.
"""

import os
import re
import shutil
import subprocess

import cluster as groupcomm


class Unavailable(Exception):
    """Network namespaces cannot be made here."""


def _run(command, text=""):
    subprocess.run(command, check=True, capture_output=True, input=text, text=True)


def _ip(*arguments):
    _run(["ip", *arguments])


def _remove_leftovers():
    """Of those who were killed before they could tidy up."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    for name in re.findall(r"^gc\d+-\w+", listed.stdout, re.MULTILINE):
        if not os.path.exists(f"/proc/{name[2:].split('-')[0]}"):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class NamespacedCluster(groupcomm.Cluster):
    """Daemon n1 is at 10.48.0.1, and so on."""

    def __init__(self, bin_folder, size=3, config=None, traces=True):
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
            raise Unavailable("network namespaces need root and the commands ip and nft")
        super().__init__(bin_folder, size, config, traces)
        _remove_leftovers()
        self._tag = f"gc{os.getpid()}"
        self._made = []
        self._unheard = {name: set() for name in self.daemons}  # from whom nothing arrives
        self._loss = 0
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

    def cut(self, sources, targets):
        """Drops every packet from the hosts of `sources` to those of `targets`: one way."""
        for target in targets:
            self._unheard[target] |= set(sources) - {target}
            self._apply(target)

    def part(self, side, other):
        """Cuts both ways."""
        self.cut(side, other)
        self.cut(other, side)

    def isolate(self, name):
        """Drops every packet from and to this daemon's host."""
        self.part([name], [other for other in self.daemons if other != name])

    def lose(self, percent):
        """Drops this share of all packets."""
        self._loss = percent
        for name in self.daemons:
            self._apply(name)

    def heal(self):
        """Ends all cuts and losses."""
        self._loss = 0
        for name, unheard in self._unheard.items():
            unheard.clear()
            self._apply(name)

    def _apply(self, name):
        rules = [f"ip saddr {self.host_of(source)} drop" for source in sorted(self._unheard[name])]
        if self._loss:
            rules.append(f'iifname "eth0" numgen random mod 100 < {self._loss} drop')
        chain = "\n".join(["type filter hook input priority 0;", *rules])
        _run(["ip", "netns", "exec", self._namespace(name), "nft", "-f", "-"],
             f"flush ruleset\ntable inet faults {{\nchain input {{\n{chain}\n}}\n}}\n")

    def close(self):
        super().close()
        for namespace in reversed(self._made):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        self._made = []
