#!/usr/bin/env python3
"""The demo of ./quickstart: three daemons on this host, a chat over them, a crash and a return."""

import argparse
import subprocess
import sys
import threading
import time

import cluster as groupcomm

MEMBERS = {"alice": "n1", "bob": "n2", "carol": "n3"}


class Chat:
    """A `groupcommctl chat` whose lines are shown with the person's name in front."""

    def __init__(self, cluster, name, daemon):
        self.name = name
        self.lines = []
        self._changed = threading.Condition()
        command = [cluster.groupcommctl, "--socket", cluster.daemons[daemon].socket]
        command += ["chat", "room", "--name", name]
        self.process = groupcomm.Process(command, cluster.folder / f"chat-{name}.log",
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cluster.processes.append(self.process)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for raw in self.process.popen.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            sys.stdout.write(f"    [{self.name}'s screen] {line}\n")
            sys.stdout.flush()
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()

    def say(self, *lines):
        self.process.popen.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.popen.stdin.flush()

    def wait(self, condition, what):
        """Until the lines so far meet the condition."""
        deadline = time.monotonic() + groupcomm.WAIT_SECONDS
        with self._changed:
            while not condition(self.lines):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise groupcomm.TimedOut(f"{self.name} waits for {what}; log: "
                                             f"{groupcomm.tail(self.process.log)}")

    def wait_line(self, text, start=0):
        self.wait(lambda lines: any(text in line for line in lines[start:]), repr(text))

    def said(self):
        return [line for line in self.lines if not line.startswith("*")]


def step(text):
    print(f"\n== {text}", flush=True)


def show_status(cluster, daemon):
    """What the daemon knows, without its counters (the third part)."""
    parts = cluster.ctl(daemon, "status").stdout.split("\n\n")
    print("\n\n".join(parts[:2]), flush=True)


def everybody_is_here(person):
    def check(lines):
        text = " ".join(line for line in lines if line.startswith("*"))
        return all(f"{name}@{daemon}" in text for name, daemon in MEMBERS.items())

    person.wait(check, "everybody in the view")


def talk(people):
    step("All three talk at once; total order puts every screen in the same order")
    for name, person in people.items():
        person.say(*(f"{name}'s line {number}" for number in range(1, 4)))
    for person in people.values():
        person.wait(lambda lines: sum(not line.startswith("*") for line in lines) >= 9, "9 lines")
    transcripts = [person.said()[:9] for person in people.values()]
    if any(transcript != transcripts[0] for transcript in transcripts):
        raise RuntimeError("the three screens differ")
    print("   The three screens show the same nine lines in the same order.")


def crash_and_return(cluster, people):
    step("The daemon n3 is killed with SIGKILL")
    begin = time.monotonic()
    cluster.daemons["n3"].kill()
    for name in ("alice", "bob"):
        people[name].wait_line("carol@n3 left (daemon_lost)")
    print(f"   alice and bob had the new view after {1000 * (time.monotonic() - begin):.0f} ms.")
    people["alice"].say("still here, and nothing was lost")
    people["bob"].wait_line("alice: still here")

    step("The daemon n3 comes back, and carol's client with it")
    returned = len(people["alice"].lines)
    cluster.daemons["n3"].start().wait_ready()
    people["alice"].wait_line("carol@n3 joined", returned)
    people["carol"].say("I am back, as a new process under the old name")
    for name in ("alice", "bob"):
        people[name].wait_line("carol: I am back")
    show_status(cluster, "n1")


def print_usage(cluster):
    ctl = cluster.groupcommctl
    step("The three daemons stay up")
    for daemon in cluster.daemons.values():
        print(f"   {daemon.name}: {ctl} --socket {daemon.socket} chat room --name {daemon.name}")
    pids = " ".join(str(d.process.pid) for d in cluster.daemons.values())
    print(f"   what it knows:  {ctl} --socket {cluster.daemons['n1'].socket} status")
    print(f"   a daemon's log: {cluster.daemons['n1'].log}")
    print(f"   stop them with: kill {pids}; rm -r {cluster.folder}")


def run(cluster, keep):
    step("Three daemons on this host")
    cluster.start()
    people = {}
    step("alice, bob and carol join the group 'room', each at a daemon of her or his own")
    for name, daemon in MEMBERS.items():
        people[name] = Chat(cluster, name, daemon)
    for person in people.values():
        everybody_is_here(person)
    show_status(cluster, "n1")
    talk(people)
    crash_and_return(cluster, people)
    for person in people.values():
        person.process.end_input()
        if person.process.wait() != 0:
            raise RuntimeError(f"{person.name}'s chat failed: {groupcomm.tail(person.process.log)}")
    if keep:
        print_usage(cluster)
    else:
        step("Stopping what was started")
        cluster.end_cleanly()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of groupcommd and groupcommctl")
    parser.add_argument("--keep", action="store_true", help="leave the daemons up")
    arguments = parser.parse_args()
    cluster = groupcomm.Cluster(arguments.bin, size=3, traces=False, own_session=arguments.keep)
    kept = False
    try:
        run(cluster, arguments.keep)
        kept = arguments.keep
    except (groupcomm.TimedOut, RuntimeError) as error:
        print(f"\nThe demo failed: {error}\n{cluster.logs()}", file=sys.stderr)
        return 1
    finally:
        if not kept:
            cluster.close()
    step("Done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
