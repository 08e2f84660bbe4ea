"""What a section of the report is: checks, tables, pictures and figures. The report only lays it out.

Not here: the sections themselves, the page (`validation/page.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Progress = Callable[[str], None]
_NUMBER = re.compile(r"(?:[<>+-] ?)?[\d.,e+-]*\d ?%?|\d+ of \d+|")


@dataclass(frozen=True, slots=True)
class Check:
    """Something asked of the model, and whether it holds.

    Parameters
    ----------
    name : str
        What is asked, as a sentence.
    holds : bool
        Whether it does.
    detail : str
        The figures behind it.
    """

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table for people.

    Parameters
    ----------
    title : str
        What it shows.
    columns : tuple of str
        Headings.
    rows : tuple of tuple of str
        Cells as they are printed.
    note : str
        What to know when reading it.
    folded : bool
        Whether the page shows it only when asked.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    folded: bool = False

    @property
    def numeric(self) -> frozenset[int]:
        """Columns in which every cell is a number, to be set flush right."""
        return frozenset(
            column
            for column in range(1, len(self.columns))
            if all(_NUMBER.fullmatch(row[column]) for row in self.rows) and any(row[column] for row in self.rows)
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot as SVG, with the words for those who do not see it."""

    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the report.

    Parameters
    ----------
    key, title : str
        Name on the command line, heading.
    text : tuple of str
        Paragraphs: what was done, how to read it, what it does not show.
    checks : tuple of Check
        What is asked of the model.
    grids : tuple of Grid
        Tables.
    pictures : tuple of Picture
        Plots.
    figures : mapping of str to object
        Every figure, as it goes into the JSON.
    headline : str
        The main figures in a sentence, for the model card.
    """

    key: str
    title: str
    text: tuple[str, ...]
    checks: tuple[Check, ...] = ()
    grids: tuple[Grid, ...] = ()
    pictures: tuple[Picture, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    headline: str = ""

    @property
    def holding(self) -> int:
        """How many checks hold."""
        return sum(check.holds for check in self.checks)
