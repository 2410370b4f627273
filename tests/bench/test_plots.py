#!/usr/bin/env python3
"""plots.py: what stands in a plot, and where."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import plots
from dot_plot import COLOURS, WIDTH, Axis, DotPlot

HERE = pathlib.Path(__file__).resolve().parent
SVG = "{http://www.w3.org/2000/svg}"


def row(work, figure, **contenders):
    """A contender has its rounds; the median is that of three, or of those that counted."""
    found = {name: {"median": sorted(rounds)[len(rounds) // 2] if rounds else None, "ratio": None,
                    "rounds": rounds or None} for name, rounds in contenders.items()}
    return {"work": {"name": work}, "figure": figure, "contenders": found}


def report(*rows, **more):
    return {"kind": "comparison", "cores": 2, "date": "1 May 2026", "rows": list(rows), **more}


def drawn(plot):
    return ElementTree.fromstring(plot.to_svg())


def texts(svg):
    return [element.text for element in svg.iter(f"{SVG}text")]


def dots(svg):
    """colour -> places across; those of the legend are not among them."""
    places = {}
    for element in svg.iter(f"{SVG}circle"):
        places.setdefault(element.get("fill"), []).append(float(element.get("cx")))
    return {colour: found[1:] if len(places) > 1 else found for colour, found in places.items()}


class Plots(unittest.TestCase):
    def test_there_is_one_for_each_unit(self):
        found = plots.plots_of(report(row("a", "messages/s", ours=[1]), row("b", "self p50, us",
                               ours=[1]), row("b", "self p99, us", ours=[1])), "quiet")
        self.assertEqual(list(found), ["comparison-messages-s.svg", "comparison-us.svg"])
        shown = texts(drawn(found["comparison-us.svg"]))
        for text in ("self p50", "self p99", "us", "2 cores, 1 May 2026, quiet"):
            self.assertIn(text, shown)

    def test_all_works_and_all_who_take_part_are_named(self):
        (plot,) = plots.plots_of(report(row("a < b", "daemon's memory, MiB", ours=[1], other=[2]),
                                        row("c", "daemon's memory, MiB", ours=[3]))).values()
        shown = texts(drawn(plot))
        for text in ("a < b", "c", "ours", "other", "daemon's memory, MiB"):
            self.assertEqual(shown.count(text), 1, text)

    def test_worlds_are_at_the_side(self):
        (plot,) = plots.plots_of(report(row("total", "x, MiB", small=[1], large=[2]),
                                        kind="scaling")).values()
        svg = drawn(plot)
        self.assertIn("More daemons, groups and clients: total", texts(svg))
        self.assertEqual(list(dots(svg)), [COLOURS[0]])

    def test_a_refused_run_has_no_dot(self):
        (plot,) = plots.plots_of(report(row("a", "x, us", ours=[2, 4], other=[]))).values()
        svg = drawn(plot)
        self.assertEqual([len(places) for places in dots(svg).values()], [1, 0])
        self.assertIn("not counted", texts(svg))


class Places(unittest.TestCase):
    def plot(self, *values):
        plot = DotPlot("title", "us", "")
        for number, value in enumerate(values):
            plot.add(str(number), "ours", value, [value, 2 * value])
        return drawn(plot)

    def test_more_is_further_to_the_right_and_nothing_is_outside(self):
        for values in ((1, 2, 3), (0.02, 5, 70_000), (0, 1), (0, 0)):
            (places,) = dots(self.plot(*values)).values()
            self.assertEqual(places, sorted(places))
            self.assertEqual(len(places), len(values))
            for place in places:
                self.assertTrue(0 < place < WIDTH)

    def test_a_line_goes_from_the_least_to_the_most(self):
        svg = self.plot(3.0)
        (start,) = dots(svg)[COLOURS[0]]
        (spread,) = [e for e in svg.iter(f"{SVG}line") if e.get("stroke") == COLOURS[0]]
        self.assertEqual(float(spread.get("x1")), start)
        self.assertGreater(float(spread.get("x2")), start)

    def test_an_axis_begins_at_zero_or_says_that_it_is_logarithmic(self):
        linear, logarithmic = Axis([2, 9]), Axis([2, 900])
        self.assertEqual((linear.place(0), linear.place(10)), (0, 1))
        self.assertEqual(linear.ticks, [0, 2, 4, 6, 8, 10])
        self.assertEqual((logarithmic.place(1), logarithmic.place(1000)), (0, 1))
        self.assertEqual(logarithmic.ticks, [1, 10, 100, 1000])
        self.assertIn("us", texts(self.plot(2, 4)))
        self.assertIn("us (logarithmic)", texts(self.plot(2, 400)))


class Command(unittest.TestCase):
    def test_a_run_becomes_files(self):
        with tempfile.TemporaryDirectory() as folder:
            run = pathlib.Path(folder) / "run.json"
            run.write_text(json.dumps(report(row("a", "self p50, us", ours=[1]),
                                             row("a", "remote p99, us", ours=[1000]))))
            out = pathlib.Path(folder) / "new" / "plots"
            done = subprocess.run([sys.executable, "-B", str(HERE / "plots.py"), str(run), "--out",
                                   str(out), "--leave-out", "p99"],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            (plot,) = out.iterdir()
            self.assertEqual(done.stdout, f"{plot}\n")
            self.assertNotIn("1,000", texts(ElementTree.fromstring(plot.read_text())))


if __name__ == "__main__":
    unittest.main(verbosity=2)
