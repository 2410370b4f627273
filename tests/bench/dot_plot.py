"""A plot of dots as SVG: what is compared at the side, a colour for each of those who take part."""

import math
from xml.sax.saxutils import escape

WIDTH = 860
LINE = 15  # between two who take part
GAP = 12  # between two that are compared
LETTER = 7  # the width of one, about
RIGHT = 80  # room for the number beside the last dot
# Told apart by people who do not see all colours (Okabe and Ito).
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#56b4e9", "#d55e00", "#cc79a7", "#666666"]
# Beyond this share of the largest to the smallest, a linear axis shows nothing of the small ones.
LINEAR_MAX = 12


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Axis:
    """Values to places from 0 to 1; linear from zero, or logarithmic from a power of ten."""

    def __init__(self, values):
        low, high = min(values), max(values)
        self.is_logarithmic = low > 0 and high / low > LINEAR_MAX
        if self.is_logarithmic:
            self._low, self._high = math.floor(math.log10(low)), math.ceil(math.log10(high))
            self.ticks = [10.0 ** power for power in range(self._low, self._high + 1)]
        else:
            self._low = 0
            step = self._step(high or 1)
            count = math.ceil((high or 1) / step - 1e-9)
            self.ticks = [step * number for number in range(count + 1)]
            self._high = self.ticks[-1]

    @staticmethod
    def _step(high):
        """1, 2 or 5 times a power of ten, so that there are 4 to 10 ticks."""
        power = 10.0 ** math.floor(math.log10(high / 4))
        return next(power * digit for digit in (1, 2, 5, 10) if high / (power * digit) <= 8)

    def place(self, value):
        on_scale = math.log10(value) if self.is_logarithmic else value
        return (on_scale - self._low) / (self._high - self._low)


class DotPlot:
    def __init__(self, title, axis, conditions):
        self.title = title
        self.axis = axis  # what is measured, with its unit
        self.conditions = conditions
        self._rows = {}  # what is compared -> {who takes part: (median, [values])}
        self._names = []

    def add(self, label, name, median, values):
        """Without a median: all runs were refused."""
        if name not in self._names:
            self._names.append(name)
        self._rows.setdefault(label, {})[name] = (median, [v for v in values if v is not None])

    def to_svg(self):
        values = [value for row in self._rows.values() for median, all_values in row.values()
                  if median is not None for value in (median, *all_values)]
        left = int(max(map(len, self._rows)) * LETTER) + 24
        legend, top = self._legend()
        body, bottom = [], top + GAP
        axis = Axis(values or [1])

        def across(value):
            return left + axis.place(value) * (WIDTH - left - RIGHT)

        for label, row in self._rows.items():
            middle = bottom + LINE * len(row) / 2 + 4
            body.append(_text(left - 12, middle, label, "end"))
            for name, (median, rounds) in row.items():
                bottom += LINE
                body += self._dot(across, bottom - LINE / 2, name, median, rounds, left)
            bottom += GAP
            body.append(_line(left - 6, bottom - GAP / 2, WIDTH - RIGHT, bottom - GAP / 2, "#eee"))
        grid = [_line(across(tick), top, across(tick), bottom, "#ddd") for tick in axis.ticks]
        ticks = [_text(across(tick), bottom + 14, show(tick), "middle") for tick in axis.ticks]
        scale = self.axis + (" (logarithmic)" if axis.is_logarithmic else "")
        ends = [_text((left + WIDTH - RIGHT) / 2, bottom + 32, scale, "middle"),
                _text(12, bottom + 54, self.conditions, "start", 'fill="#666"')]
        return _document(self.title, bottom + 66, [*legend, *grid, *ticks, *body, *ends])

    def _legend(self):
        """Its elements, and where it ends. None for one who is alone."""
        elements = [_text(12, 22, self.title, "start", 'font-weight="bold"')]
        names = [name for name in self._names if name]
        if len(names) < 2:
            return elements, 32
        across, down = 12.0, 42
        for name in names:
            width = 14 + len(name) * LETTER + 16
            if across + width > WIDTH:
                across, down = 12.0, down + 18
            elements.append(_circle(across + 5, down - 4, self._colour(name)))
            elements.append(_text(across + 14, down, name, "start"))
            across += width
        return elements, down + 12

    def _colour(self, name):
        return COLOURS[self._names.index(name) % len(COLOURS)]

    def _dot(self, across, down, name, median, rounds, left):
        if median is None:
            return [_text(left + 4, down + 4, "not counted", "start", 'fill="#999"')]
        colour, high = self._colour(name), max([median, *rounds])
        spread = _line(across(min([median, *rounds])), down, across(high), down, colour, 2)
        return [spread, _circle(across(median), down, colour),
                _text(across(high) + 8, down + 4, show(median), "start", 'font-size="10"')]


def _text(x, y, text, anchor, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _line(x1, y1, x2, y2, colour, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def _circle(x, y, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _document(title, height, elements):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>',
        *elements, "</svg>", ""])
