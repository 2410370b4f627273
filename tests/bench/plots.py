#!/usr/bin/env python3
"""Draws what compare.py, scaling.py or membership.py has measured.

    compare.py --json > run.json
    plots.py run.json                          # docs/plots/comparison-*.svg
    plots.py run.json --out /tmp --note "a quiet machine"

There is a plot for each unit, in which each contender has a dot at its median and a line from the
least to the most of its rounds. A run that was refused is in neither; where all were, it says so.
"""

import argparse
import json
import pathlib
import re
import sys
from dataclasses import dataclass

from dot_plot import DotPlot

ROOT = pathlib.Path(__file__).resolve().parents[2]

TITLES = {"comparison": "groupcomm beside others", "scaling": "More daemons, groups and clients",
          "membership": "From what happens to the view"}


@dataclass(frozen=True)
class Figure:
    """`self p50, us` is a part of what is measured in us; `messages/s` is all of it."""

    part: str
    unit: str

    @classmethod
    def of(cls, text):
        part, _, unit = text.rpartition(", ")
        return cls(part, unit)


def plots_of(report, note=""):
    """name of a file -> plot."""
    kind = report.get("kind", "comparison")
    rows = [(row["work"]["name"], Figure.of(row["figure"]), row["contenders"])
            for row in report["rows"]]
    units = list(dict.fromkeys(figure.unit for _, figure, _ in rows))
    conditions = ", ".join(filter(None, [f"{report['cores']} cores", report.get("date"), note]))
    plots = {}
    for unit in units:
        plot = _plot([row for row in rows if row[1].unit == unit], kind, conditions)
        plots[f"{kind}-{re.sub('[^a-z0-9]+', '-', unit.lower())}.svg"] = plot
    return plots


def _plot(rows, kind, conditions):
    """Of all that has one unit. What is the same in all rows is in the title, and not in each."""
    works = {work for work, _, _ in rows}
    parts = {figure.part for _, figure, _ in rows}
    unit = rows[0][1].unit
    is_one_part = len(parts) == 1
    axis = Figure(*parts, unit).part + f", {unit}" if is_one_part and parts != {""} else unit
    title = ": ".join(filter(None, [TITLES[kind], *(works - {kind} if len(works) == 1 else [])]))
    plot = DotPlot(title, axis, conditions)
    for work, figure, contenders in rows:
        label = ": ".join(filter(None, [work if len(works) > 1 else "",
                                        "" if is_one_part else figure.part]))
        for name, found in contenders.items():
            # Worlds are compared with one another, so they are what stands at the side.
            place = (label, name) if kind != "scaling" else (name, label)
            plot.add(*place, found["median"], found["rounds"] or [])
    return plot


def left_out(report, texts):
    rows = [row for row in report["rows"] if not any(text in row["figure"] for text in texts)]
    return {**report, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=pathlib.Path, help="what --json has written")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "plots")
    parser.add_argument("--note", default="", help="about the machine, below each plot")
    parser.add_argument("--leave-out", action="append", default=[], metavar="TEXT",
                        help="figures whose names have this in them")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for run in arguments.runs:
        report = left_out(json.loads(run.read_text(encoding="utf-8")), arguments.leave_out)
        for name, plot in plots_of(report, arguments.note).items():
            (arguments.out / name).write_text(plot.to_svg(), encoding="utf-8")
            print(arguments.out / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
