#!/usr/bin/env python3
"""What a delivery costs where there are more daemons, groups or clients, beside three daemons with
one group and one client at each.

    scaling.py                                # all worlds
    scaling.py --daemons 3,5,8 --crowds 1x1   # daemons only
    scaling.py --daemons 3 --crowds 1x1,1000x200 --rounds 5 --json
    scaling.py --daemons 3 --crowds 1000x200 --rounds 1 --seconds 600    # is memory flat?

A crowd is GROUPSxCLIENTS: so many groups, spread over so many clients at each daemon; each group
has a member at each daemon, all members send, and a client has `--window` messages under way. Each
round goes through all worlds, and a ratio is the median of the rounds' ratios to the first world.

Cost is the CPU time of all daemons and clients; that of the daemons begins with the first client,
so that joins are part of it. Memory is the resident memory of the largest daemon at its most; its
growth is by how much the second half of the run was above the first: use --seconds 600 for that.
System calls of all of them are counted (by perf, where it is) in a run of their own after the
rounds, since counting slows them down.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import sys
from dataclasses import replace

import contenders
from compare import Comparison, numbers, show
from contenders import BadRun, Unavailable, Work

ROOT = pathlib.Path(__file__).resolve().parents[2]

DAEMONS = [3, 5, 8]
CROWDS = [(1, 1), (10, 1), (1000, 1), (10, 10), (1000, 200)]
LIMITS = {"daemons": 1.2, "crowd": 1.5}  # of the first world's cost per delivery


class World:
    """Daemons, groups and clients, in which any work can be done."""

    def __init__(self, daemons, crowd, measured, counted=None):
        self.daemons = daemons
        self.groups, self.clients = crowd
        self._measured = measured
        self._counted = counted
        self.name = f"{daemons} daemons"
        if crowd != (1, 1):
            self.name += f", {self.groups:,} groups, {self.clients:,} clients at each"

    @property
    def limit(self):
        return LIMITS["daemons" if (self.groups, self.clients) == (1, 1) else "crowd"]

    def _inhabited(self, work):
        return replace(work, daemons=self.daemons, senders=self.daemons, groups=self.groups,
                       clients=self.clients)

    def run(self, work):
        return self._measured.run(self._inhabited(work))

    def counting(self):
        """The same world, where system calls are counted and nothing else."""
        return World(self.daemons, (self.groups, self.clients), self._counted)


def rate_of(report):
    """Messages a second at the slowest daemon: what all its clients got together."""
    rates = {}
    for member in report["members"]:
        daemon = member["process"].split("@")[1].split("#")[0]
        rates[daemon] = rates.get(daemon, 0) + member["rate"]
    return min(rates.values())


COST = "CPU us per delivery"
CALLS = "system calls per delivery"
GROWTH = "its growth, MiB"


class Scaling(Comparison):
    """A comparison of worlds with the first of them."""

    kind = "scaling"

    def __init__(self, worlds):
        super().__init__(worlds, {world.name: worlds[0].name for world in worlds[1:]})

    @staticmethod
    def figures_of(_work, report):
        if "calls_per_delivery" in report:
            return {CALLS: report["calls_per_delivery"]}
        return {"messages/s": rate_of(report), COST: report["cpu_us_per_delivery"],
                "daemon's memory, MiB": report["resident_mib"],
                GROWTH: report["growth_mib"]}

    @staticmethod
    def quotient(base, other):
        return other / base

    def count_calls(self, work):
        """Once in each world."""
        for world in self.everyone:
            try:
                figures = self.figures_of(work, world.counting().run(work))
            except (BadRun, Unavailable) as error:
                print(f"NOT COUNTED: {world.name}: {CALLS}: {error}", file=sys.stderr, flush=True)
                continue
            self.figures.setdefault((work, CALLS), {})[world.name] = [figures[CALLS]]

    def within_limits(self):
        """Whether each world's cost per delivery is what it may be; those that were not measured
        are not."""
        row = next((row for (_, figure), row in self.figures.items() if figure == COST), {})
        ratios = {world: self.ratio(row, world.name) for world in self.everyone[1:]}
        return {world.name: ratio is not None and ratio <= world.limit
                for world, ratio in ratios.items()}

    def table(self):
        rows = {figure: row for (_, figure), row in self.figures.items()}
        lines = ["| world | " + " | ".join(rows) + " | within the limit |",
                 "|---" * (len(rows) + 2) + "|"]
        met = self.within_limits()
        for world in self.everyone:
            cells = [self.cell(row, world.name) for row in rows.values()]
            if GROWTH in rows:  # which is to be nothing, and has no ratio
                median = self.median(rows[GROWTH], world.name)
                cells[list(rows).index(GROWTH)] = "-" if median is None else show(median)
            judged = ""
            if world.name in met:
                judged = f"{'yes' if met[world.name] else 'NO'} (<= {world.limit:g} x)"
            lines.append(f"| {world.name} | " + " | ".join(cells) + f" | {judged} |")
        return "\n".join(lines)

    def to_json(self):
        return {**super().to_json(), "within_limits": self.within_limits()}


def crowds(text):
    """GROUPSxCLIENTS, with commas."""
    found = [tuple(int(number) for number in part.split("x")) for part in text.split(",")]
    for groups, clients in found:
        if not 1 <= clients <= groups:
            raise argparse.ArgumentTypeError("each client is in a group: 1 <= CLIENTS <= GROUPS")
    return found


def worlds_of(arguments):
    measured = contenders.Groupcomm(arguments.bin)
    counted = contenders.Groupcomm(arguments.bin, measure=contenders.count_calls)
    # More daemons with one group, and more groups and clients with the fewest daemons.
    places = list(itertools.chain(
        ((daemons, arguments.crowds[0]) for daemons in arguments.daemons),
        ((arguments.daemons[0], crowd) for crowd in arguments.crowds[1:])))
    return [World(daemons, crowd, measured, counted) for daemons, crowd in places]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build" / "release" / "bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--daemons", type=numbers, default=DAEMONS, help="with commas")
    parser.add_argument("--crowds", type=crowds, default=CROWDS, help="GROUPSxCLIENTS, with commas")
    parser.add_argument("--order", default="total")
    parser.add_argument("--size", type=int, default=64, help="bytes of a message")
    parser.add_argument("--window", type=int, default=64, help="a client's messages under way")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    arguments = parser.parse_args()
    work = Work(order=arguments.order, size=arguments.size, senders=0, window=arguments.window,
                seconds=arguments.seconds)
    scaling = Scaling(worlds_of(arguments))
    scaling.run([work], arguments.rounds)
    scaling.count_calls(work)
    if arguments.json:
        print(json.dumps(scaling.to_json()))
    else:
        print(f"\n{os.cpu_count()} cores, Linux {platform.release()}, {arguments.rounds} rounds, "
              f"load {os.getloadavg()[0]:.0f}; {arguments.order}, {arguments.size} B, all send, "
              f"window {arguments.window}; in brackets: to the first world\n")
        print(scaling.table())
    return 0 if scaling.figures else 1


if __name__ == "__main__":
    sys.exit(main())
