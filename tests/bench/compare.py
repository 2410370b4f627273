#!/usr/bin/env python3
"""The same work on groupcomm, on bare skeletons and on Corosync, side by side in one run.

    compare.py                                  # the works of docs/PERFORMANCE.md
    compare.py --sizes 64,1024 --windows 64,512 --senders 1,3 --orders total,safe
    compare.py --only corosync --rounds 5 --json

Each round does each work on one after the other, so that all of them have the same weather. The
table has the medians of the rounds; a ratio is the median of the rounds' ratios of groupcomm to the
other. The skeletons (three relays, one of them the sequencer, three clients; no fault tolerance)
have total order only, and Corosync has none but that: what they do stands beside each order.

Corosync needs root, since its daemons get a network namespace each, and the packages corosync and
libcpg-dev. It is compared with groupcomm's daemons in such namespaces, the skeletons with those on
the loopback. What is started here is ended here, and nothing else.
"""

import argparse
import datetime
import itertools
import json
import os
import pathlib
import platform
import statistics
import sys

import contenders
from contenders import BadRun, Unavailable, Work

ROOT = pathlib.Path(__file__).resolve().parents[2]

USUAL = [
    Work(),
    Work(window=512),
    Work(size=1024, window=512),
    Work(size=8192),
    Work(size=65536),
    Work(order="fifo", senders=1, window=512),
    Work(order="causal", window=512),
    Work(order="safe", window=512),
    Work(latency=True),
    Work(latency=True, pause_ms=20, samples=200),
]


class Comparison:
    """The figures of all rounds: (work, contender, figure) -> one for each round, or None."""

    kind = "comparison"

    def __init__(self, everyone, bases):
        self.everyone = everyone
        self.bases = bases  # name -> name of the one that it is compared with
        self.figures = {}
        self.absent = {}  # name -> why

    @staticmethod
    def figures_of(work, report):
        """name -> figure; of latencies the slowest of the others counts."""
        figures = {"CPU us per message": report["cpu_us_per_message"]}
        if not work.latency:
            if "resident_mib" in report:
                figures["daemon's memory, MiB"] = report["resident_mib"]
            return {"messages/s": report["slowest"], **figures}
        for name in ("self", "remote"):
            asked = [m for m in report["members"] if (m["node"] == 1) == (name == "self")]
            for share in ("p50_us", "p99_us"):
                times = [m[share] for m in asked]
                figures[f"{name} {share[:3]}, us"] = max(times)
        return figures

    @staticmethod
    def quotient(base, other):
        """What a ratio is."""
        return base / other

    def run(self, works, rounds):
        for work, number in itertools.product(works, range(rounds)):
            for contender in self.everyone:
                self._run(contender, work, number, rounds)

    def _run(self, contender, work, number, rounds):
        if contender.name in self.absent:
            return
        try:
            figures = self.figures_of(work, contender.run(work))
        except Unavailable as error:
            self.absent[contender.name] = str(error)
            print(f"SKIPPED: {contender.name}: {error}", file=sys.stderr, flush=True)
            return
        except BadRun as error:
            print(f"NOT COUNTED: {contender.name}: {work}: {error}", file=sys.stderr, flush=True)
            return
        for name, figure in figures.items():
            row = self.figures.setdefault((work, name), {})
            row.setdefault(contender.name, [None] * rounds)[number] = figure
        shown = ", ".join(f"{name} {show(figure)}" for name, figure in figures.items())
        print(f"{work}: {contender.name}: {shown}", file=sys.stderr, flush=True)

    def median(self, row, name):
        values = [value for value in row.get(name, []) if value is not None]
        return statistics.median(values) if values else None

    def ratio(self, row, name):
        """Of this one and what it is compared with."""
        pairs = zip(row.get(self.bases.get(name), []), row.get(name, []))
        ratios = [self.quotient(base, other) for base, other in pairs if base and other]
        return statistics.median(ratios) if ratios else None

    def names(self):
        return [c.name for c in self.everyone if c.name not in self.absent]

    def table(self):
        names = self.names()
        lines = ["| work | figure | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
        for (work, figure), row in self.figures.items():
            cells = [self.cell(row, name) for name in names]
            lines.append(f"| {work} | {figure} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def cell(self, row, name):
        middle, ratio = self.median(row, name), self.ratio(row, name)
        if middle is None:
            return "-"
        return show(middle) + (f" ({ratio:.2f})" if ratio is not None else "")

    def to_json(self):
        rows = [{"work": {**vars(work), "name": str(work)}, "figure": figure,
                 "contenders": {name: {"median": self.median(row, name),
                                       "ratio": self.ratio(row, name), "rounds": row.get(name)}
                                for name in self.names()}}
                for (work, figure), row in self.figures.items()]
        return {"kind": self.kind, "date": f"{datetime.date.today():%d %B %Y}",
                "cores": os.cpu_count(), "load": os.getloadavg(), "compared_with": self.bases,
                "skipped": self.absent, "rows": rows}


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def field(wanted, bin_folder):
    """Who takes part, and with whom each is compared."""
    here, apart = (contenders.Groupcomm(bin_folder, x) for x in (False, True))
    skeletons = [contenders.Skeleton(bin_folder, x) for x in ("sockets", "zmq")]
    corosyncs = [contenders.Corosync(bin_folder, x) for x in (False, True)]
    by_zeromq = contenders.Groupcomm(bin_folder, transport="zeromq")
    beside_here = skeletons if "skeletons" in wanted else []
    beside_here += [by_zeromq] if "zeromq" in wanted else []
    beside_apart = corosyncs if "corosync" in wanted else []
    chosen = [here, *beside_here] if beside_here else []
    chosen += [apart, *beside_apart] if beside_apart else []
    bases = {c.name: here.name for c in beside_here}
    bases.update((c.name, apart.name) for c in beside_apart)
    return chosen, bases


def numbers(text):
    return [int(part) for part in text.split(",")]


def names(text):
    return text.split(",")


def works_of(arguments):
    asked = (arguments.orders, arguments.sizes, arguments.senders, arguments.windows)
    works = USUAL
    if any(asked):
        usual = (["total"], [64], [3], [64])
        works = [Work(*each) for each in itertools.product(
            *(given or default for given, default in zip(asked, usual)))]
    return [Work(**{**vars(work), "seconds": arguments.seconds}) for work in works]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each throughput run")
    parser.add_argument("--sizes", type=numbers, help="bytes of a message, with commas")
    parser.add_argument("--senders", type=numbers, help="how many send, with commas")
    parser.add_argument("--windows", type=numbers, help="own messages under way, with commas")
    parser.add_argument("--orders", type=names, help="with commas")
    parser.add_argument("--only", type=names, default=["skeletons", "corosync"],
                        help="skeletons, corosync (default: both), or zeromq: clients without "
                             "the stream socket")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    arguments = parser.parse_args()
    comparison = Comparison(*field(arguments.only, arguments.bin))
    comparison.run(works_of(arguments), arguments.rounds)
    if arguments.json:
        print(json.dumps(comparison.to_json()))
    else:
        print(f"\n{os.cpu_count()} cores, Linux {platform.release()}, {arguments.rounds} rounds, "
              f"load {os.getloadavg()[0]:.0f}; in brackets: groupcomm / this one\n")
        print(comparison.table())
    return 0 if comparison.figures else 1


if __name__ == "__main__":
    sys.exit(main())
