"""Plots as SVG text: one look, no colour that only some can tell apart, words as text.

Not here: what is plotted (`validation/views/`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from validation.sections import Picture

INK, QUIET, GRID = "#1d2733", "#6b7683", "#d7dce1"
# Okabe and Ito's colours, told apart by the colour-blind; lines also differ in dash, points in shape.
BLUE, ORANGE, GREEN, PURPLE, SKY, GREY = "#0072b2", "#d55e00", "#009e73", "#a0527f", "#56b4e9", "#8a929a"

_LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib; the page's own type takes its place
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "lasegue",
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}


@dataclass
class Drawing:
    """A plot being drawn: its axes, and the picture once it is done."""

    axes: Axes
    picture: Picture | None = None

    def done(self) -> Picture:
        """Return the picture; raise RuntimeError while it is still being drawn."""
        if self.picture is None:
            raise RuntimeError("the picture is made at the end of the `with` block")
        return self.picture


@contextmanager
def drawing(title: str, alt: str, width: float = 7.2, height: float = 3.6) -> Iterator[Drawing]:
    """Draw on new axes; `done()` gives the picture after the block.

    Parameters
    ----------
    title : str
        Heading of the picture; not drawn.
    alt : str
        What it shows, in words.
    width, height : float
        Inches.

    Yields
    ------
    Drawing
        With empty axes.
    """
    with mpl.rc_context():
        mpl.rcParams.update(_LOOK)
        figure = Figure(figsize=(width, height), layout="constrained")
        canvas: Any = FigureCanvasSVG(figure)
        found = Drawing(figure.add_subplot())
        yield found
        text = io.StringIO()
        figure.patch.set_alpha(0)
        found.axes.patch.set_alpha(0)
        canvas.print_svg(text, metadata={"Date": None, "Creator": None})
    found.picture = Picture(title, alt, _for_page(text.getvalue()))


def _for_page(svg: str) -> str:
    """Return the SVG element alone, its type and greys left to the page (light or dark), without ids but clips'."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    for colour, word in ((INK, "currentColor"), (QUIET, "var(--quiet)"), (GRID, "var(--line)")):
        svg = svg.replace(colour, word)
    return svg.strip()
