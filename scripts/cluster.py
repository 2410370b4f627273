"""Daemons and clients on this host, for the demo, the system tests and the measurements.

A Cluster starts groupcommd processes on free loopback ports, with their sockets and state in a
temporary folder, and `groupcommctl pipe` processes as their clients. Nothing here sleeps for a
fixed time: everything waits for an event, with a deadline. close() ends what was started, by pid.
"""

import base64
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.01
# Below the ephemeral range, so that no outgoing connection of anybody takes a port meanwhile.
_PORTS = range(20000, 32000)


class TimedOut(Exception):
    """What was waited for did not happen in time."""


def wait_until(condition, what, timeout=WAIT_SECONDS):
    """Returns the first true value of condition(); asks again and again until the deadline."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimedOut(f"{what}: not within {timeout:g} s")
        pause.wait(_POLL_SECONDS)


def free_ports(count):
    """Loopback ports that nobody listens on now."""
    found = []
    for port in random.sample(_PORTS, 2000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free loopback ports")


def short(process):
    """The name part of a full process name."""
    return process.split("@")[0]


def tail(path, lines=25):
    try:
        return "".join(path.read_text(errors="replace").splitlines(True)[-lines:])
    except OSError:
        return ""


def note_crash(trace):
    """Says in the trace of a process that it was killed: what stands there is all that it saw."""
    text = trace.read_bytes() if trace.exists() else b""
    last = re.findall(rb"^(start|exit|crash) p=(\S+)$", text, re.MULTILINE)[-1:]
    if last and last[0][0] == b"start" and text.endswith(b"\n"):
        trace.write_bytes(text + b"crash p=" + last[0][1] + b"\n")


class Process:
    """A child process that is ended by its pid, whatever happens."""

    def __init__(self, command, log, environment=None, **streams):
        self.command = [str(part) for part in command]
        self.log = log
        self.codes = set()  # with which it may have ended
        merged = {**os.environ, **(environment or {})}
        with open(log, "ab") as log_file:
            self.popen = subprocess.Popen(self.command, stderr=log_file, env=merged, **streams)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.running():
            self.popen.send_signal(number)

    def may_end(self, *codes):
        """From now on it may end with one of these. One that has ended already did so by itself."""
        if self.running():
            self.codes.update(codes)

    def end_input(self):
        """What reads commands ends with its input."""
        self.may_end(0)
        self.popen.stdin.close()

    def why_wrong(self):
        """How it ended though nobody meant it to, or nothing."""
        code = self.popen.poll()
        if code is None or code in self.codes:
            return ""
        return f"{' '.join(self.command)} ended with {code}: {tail(self.log)}"

    def kill(self):
        """SIGKILL, and waits until it is gone."""
        self.may_end(-signal.SIGKILL)
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def freeze(self):
        """SIGSTOP, and waits until the kernel has stopped it."""
        self.signal(signal.SIGSTOP)
        stat = pathlib.Path(f"/proc/{self.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", "a frozen process")

    def thaw(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=WAIT_SECONDS):
        """Its exit code."""
        return self.popen.wait(timeout)


class Daemon:
    """One groupcommd and its place: name, port, socket and state stay over restarts."""

    def __init__(self, cluster, name, port):
        self.cluster = cluster
        self.name = name
        self.port = port
        self.socket = cluster.folder / f"{name}.sock"
        self.state = cluster.folder / f"{name}.state"
        self.log = cluster.folder / f"{name}.log"
        self.process = None
        self.starts = 0

    @property
    def address(self):
        return f"tcp://{self.cluster.host_of(self.name)}:{self.port}"

    def command(self):
        command = [self.cluster.groupcommd, "--name", self.name, "--cluster", self.cluster.name]
        command += ["--listen", self.address, "--socket", self.socket, "--state-dir", self.state]
        for peer in self.cluster.daemons.values():
            if peer is not self:
                command += ["--peer", f"{peer.name}={peer.address}"]
        if self.cluster.config:
            command += ["--config", self.cluster.config]
        if self.cluster.traces_wanted:
            command += ["--trace", self.cluster.trace_path(f"{self.name}.{self.starts}")]
        return command

    def start(self):
        self.starts += 1
        prefix = self.cluster.prefix_of(self.name)
        self.process = Process([*prefix, *self.command()], self.log, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               start_new_session=self.cluster.own_session)
        self.cluster.processes.append(self.process)
        return self

    def wait_ready(self):
        """Until clients can connect."""

        def accepts():
            if not self.process.running():
                raise RuntimeError(f"{self.name} ended at start: {tail(self.log)}")
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(str(self.socket)) == 0

        wait_until(accepts, f"the socket of {self.name}")
        return self

    def kill(self):
        self.process.kill()

    def terminate(self):
        self.process.may_end(0)
        self.process.signal(signal.SIGTERM)


class Pipe:
    """A `groupcommctl pipe`: commands in, events out."""

    def __init__(self, cluster, daemon, name):
        self.cluster = cluster
        self.name = name
        self.daemon = daemon
        self.log = cluster.folder / f"pipe-{name}.log"
        command = [cluster.groupcommctl, "--socket", daemon.socket, "pipe", "--name", name]
        if cluster.traces_wanted:
            command += ["--trace", cluster.trace_path(f"pipe-{name}")]
        self.process = Process(command, self.log, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cluster.processes.append(self.process)
        self.events = []  # (monotonic seconds, event)
        self.base = 0  # where waiting begins, unless told otherwise
        self._changed = threading.Condition()
        self._ended = False
        self._answers_blocks = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.popen.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "unreadable", "line": line.decode(errors="replace")}
            if self._answers_blocks and event["event"] == "block":
                self.command("block_ok", group=event["group"])
            with self._changed:
                self.events.append((time.monotonic(), event))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    # --- commands

    def write(self, lines):
        """Raw lines. False where the process is gone."""
        try:
            self.process.popen.stdin.write(lines)
            self.process.popen.stdin.flush()
            return True
        except (BrokenPipeError, ValueError):
            return False

    def command(self, op, **fields):
        return self.write(json.dumps({"op": op, **fields}).encode() + b"\n")

    def join(self, group, **options):
        self.command("join", group=group, **options)
        return self

    def leave(self, group):
        self.command("leave", group=group)

    def answer_blocks(self):
        """From now on, at once. Nobody who writes commands may wait for this pipe to read them."""
        self._answers_blocks = True

    def send(self, group, data, order="total", **fields):
        self.command("send", group=group, order=order, data=data, **fields)

    # --- events

    def mark(self):
        """A position in the events: what comes from now on has at least this index."""
        with self._changed:
            return len(self.events)

    def all(self, kind=None, start=0, **fields):
        with self._changed:
            events = [event for _, event in self.events[start:]]
        return [e for e in events if kind is None or _matches(e, kind, fields)]

    def wait_timed(self, condition, what, timeout=WAIT_SECONDS, start=None):
        """(monotonic seconds, event) of the first event from `start` on that meets condition."""
        return self.events[self._wait_position(condition, what, timeout, start)]

    def _wait_position(self, condition, what, timeout, start):
        deadline = time.monotonic() + timeout
        position = self.base if start is None else start
        with self._changed:
            while True:
                while position < len(self.events):
                    if condition(self.events[position][1]):
                        return position
                    position += 1
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    how = "the process ended" if self._ended else f"not within {timeout:g} s"
                    raise TimedOut(f"{self.name} waits for {what}: {how}; last events: "
                                   f"{[e for _, e in self.events[-6:]]}; {tail(self.log, 5)}")
                self._changed.wait(left)

    def wait_for(self, kind, timeout=WAIT_SECONDS, start=None, **fields):
        found = self.wait_timed(lambda e: _matches(e, kind, fields), f"{kind} {fields}", timeout,
                                start)
        return found[1]

    def wait_view(self, group, names, timeout=WAIT_SECONDS, start=None):
        """The first view of the group, from `start` on, with just these members."""
        return self.wait_view_timed(group, names, timeout, start)[1]

    def wait_view_timed(self, group, names, timeout=WAIT_SECONDS, start=None):
        wanted = sorted(names)
        return self.wait_timed(lambda e: _is_view(e, group, wanted),
                               f"a view of {wanted} in {group}", timeout, start)

    def begin_behind_view(self, group, names, timeout=WAIT_SECONDS):
        """Waits for this view; from now on, waiting begins behind it."""
        wanted = sorted(names)
        self.base = 1 + self._wait_position(lambda e: _is_view(e, group, wanted),
                                            f"a view of {wanted} in {group}", timeout, None)

    def wait_messages(self, group, count, timeout=WAIT_SECONDS):
        """The first `count` messages that were delivered in the group."""
        seen = [0]

        def enough(event):
            seen[0] += _matches(event, "message", {"group": group})
            return seen[0] >= count

        self.wait_timed(enough, f"{count} messages in {group}", timeout, start=0)
        return self.messages(group)[:count]

    def messages(self, group):
        return self.all("message", group=group)

    @property
    def process_name(self):
        return self.wait_for("connected", start=0)["process"]

    # --- the end

    def quit(self, timeout=WAIT_SECONDS):
        self.process.may_end(0)
        self.command("quit")
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def kill(self):
        self.process.kill()
        self._reader.join(WAIT_SECONDS)


def _matches(event, kind, fields):
    return event.get("event") == kind and all(event.get(k) == v for k, v in fields.items())


def _is_view(event, group, names):
    return (_matches(event, "view", {"group": group})
            and sorted(short(m) for m in event["members"]) == names)


def payload_of(event):
    """The bytes of a message event."""
    if "data_b64" in event:
        return base64.b64decode(event["data_b64"])
    return event["data"].encode()


class Cluster:
    """Daemons n1, n2, ... that know each other, and their clients."""

    def __init__(self, bin_folder, size=3, config=None, traces=True, own_session=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="groupcomm-"))
        self.groupcommd = pathlib.Path(bin_folder) / "groupcommd"
        self.groupcommctl = pathlib.Path(bin_folder) / "groupcommctl"
        self.name = f"cluster-{os.getpid()}"
        self.traces_wanted = traces
        self.own_session = own_session  # daemons outlive the terminal
        self.traces = []
        self.processes = []
        self.pipes = []
        self.config = None
        if config:
            self.config = self.folder / "groupcommd.toml"
            self.config.write_text(config)
        self.daemons = {}
        for number, port in enumerate(free_ports(size), 1):
            self.daemons[f"n{number}"] = Daemon(self, f"n{number}", port)

    def host_of(self, _name):
        """The address that a daemon listens on."""
        return "127.0.0.1"

    def prefix_of(self, _name):
        """What stands before a daemon's command, as `ip netns exec NAME`."""
        return []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        for daemon in self.daemons.values():
            daemon.start()
        for daemon in self.daemons.values():
            daemon.wait_ready()
        return self

    def is_formed(self):
        """All daemons are in one primary view, by the word of each."""
        views = set()
        for name in self.daemons:
            told = self.ctl(name, "status", "--json", "--timeout", "1")
            if told.returncode != 0:
                return False
            status = json.loads(told.stdout)
            if not status["primary"] or len(status["members"]) != len(self.daemons):
                return False
            views.add(status["view"])
        return len(views) == 1

    def wait_formed(self):
        """A daemon may be late: the others have a view without it first, and when it comes each
        group gets a view more, which nobody may take for the one that is waited for."""
        wait_until(self.is_formed, f"all {len(self.daemons)} daemons in one primary view")
        return self

    def by_rank(self, name="n1"):
        """The names of the daemons in the view of this one."""
        told = self.ctl(name, "status", "--json")
        if told.returncode != 0:
            raise RuntimeError(told.stderr)
        return [member["name"] for member in json.loads(told.stdout)["members"]]

    def trace_path(self, stem):
        path = self.folder / f"{len(self.traces)}-{stem}.trace"
        self.traces.append(path)
        return path

    def pipe(self, name, daemon):
        pipe = Pipe(self, self.daemons[daemon], name)
        self.pipes.append(pipe)
        pipe.wait_for("connected")
        return pipe

    def members(self, group, names, **options):
        """One client for each name, on n1, n2, ... in turn, once all are in one view.

        What is waited for later comes behind this view, unless told otherwise."""
        daemons = list(self.daemons)
        pipes = [self.pipe(n, daemons[i % len(daemons)]) for i, n in enumerate(names)]
        for pipe in pipes:
            pipe.join(group, **options)
        for pipe in pipes:
            pipe.begin_behind_view(group, names)
        return pipes

    def ctl(self, daemon, *arguments, text=None, timeout=WAIT_SECONDS):
        """Runs groupcommctl to its end."""
        command = [self.groupcommctl, "--socket", self.daemons[daemon].socket, *arguments]
        return subprocess.run([str(c) for c in command], input=text, capture_output=True,
                              text=True, timeout=timeout, check=False)

    def end_cleanly(self):
        """Clients quit and daemons leave, so that their traces are complete. Nobody may have ended
        who was not meant to, or otherwise than meant."""
        for pipe in self.pipes:
            if pipe.process.running():
                pipe.process.thaw()
                pipe.quit()
        for daemon in self.daemons.values():
            if daemon.process and daemon.process.running():
                daemon.process.thaw()
                daemon.terminate()
                daemon.process.wait()
        if wrong := [why for process in self.processes if (why := process.why_wrong())]:
            raise RuntimeError("\n".join(wrong))

    def verify(self):
        """`groupcommctl verify` over all traces: the completed process."""
        for process in self.processes:
            if process.popen.poll() == -signal.SIGKILL and "--trace" in process.command:
                path = process.command[process.command.index("--trace") + 1]
                note_crash(pathlib.Path(path))
        paths = [str(p) for p in self.traces if p.exists()]
        return subprocess.run([str(self.groupcommctl), "verify", *paths], capture_output=True,
                              text=True, timeout=300, check=False)

    def logs(self):
        return "\n".join(f"--- {p.name}\n{tail(p)}" for p in sorted(self.folder.glob("*.log")))

    def close(self):
        """Ends everything that this cluster started, and removes its folder."""
        for process in self.processes:
            process.signal(signal.SIGCONT)
            process.kill()
            for stream in (process.popen.stdin, process.popen.stdout):
                if stream:
                    try:
                        stream.close()
                    except BrokenPipeError:
                        pass
        shutil.rmtree(self.folder, ignore_errors=True)
