"""The model card: what the model is, is for, rests on and does not know, by the items of TRIPOD+AI, from the data.

The words stand in `validation/card.toml`, the counts are made here. Not here: Markdown and the report's section
(`validation/views/card.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model import Model
from priors.errors import PriorsError, Problem
from priors.toml_tables import open_toml
from validation.card_facts import TABLES, facts
from validation.sections import Grid, Progress

FILE = Path(__file__).resolve().parent / "card.toml"
PERFORMANCE = "Performance"  # the item that takes the measured figures
NOT_MEASURED = "not measured in this run"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the card.

    Parameters
    ----------
    heading : str
        What it is about.
    tripod : str
        Items of the TRIPOD+AI checklist that it answers; empty where there is none.
    paragraphs : tuple of str
        Text.
    grids : tuple of Grid
        Tables that belong to it.
    """

    heading: str
    tripod: str
    paragraphs: tuple[str, ...]
    grids: tuple[Grid, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The model card.

    Parameters
    ----------
    title : str
        With the version.
    intro : tuple of str
        What it is, and how to read the card.
    items : tuple of Item
        In order.
    facts : tuple of (str, str)
        What was put into the text, by name.
    """

    title: str
    intro: tuple[str, ...]
    items: tuple[Item, ...]
    facts: tuple[tuple[str, str], ...]

    def item(self, heading: str) -> Item:
        """Return an item by its heading; raise StopIteration where there is none."""
        return next(item for item in self.items if item.heading == heading)


def measure_card(
    models: Mapping[str, Model], told: Progress, performance: Mapping[str, str] | None = None, file: Path = FILE
) -> Card:
    """Make the model card.

    Parameters
    ----------
    models : mapping of str to Model
        By profile, the default among them.
    told : callable
        Is told what is being done.
    performance : mapping of str to str, optional
        What was measured -> its figures in a sentence, in place of "not measured in this run". What the file of words
        does not list is added after the rest.
    file : Path
        The words, as TOML.

    Returns
    -------
    Card
        Ready to be laid out.

    Raises
    ------
    PriorsError
        Where the file is no TOML, or the words name a fact or a table that does not exist.
    """
    told("model card")
    words = open_toml(file.parent, file.name, []).data
    known = facts(models)
    items = []
    for table in words["item"]:
        if unknown := [name for name in table.get("tables", ()) if name not in TABLES]:
            message = f"unknown table {unknown[0]!r}; known: {', '.join(TABLES)}"
            raise PriorsError([Problem(file.name, None, table["heading"], message)])
        grids = [TABLES[name](models) for name in table.get("tables", ())]
        if table["heading"] == PERFORMANCE:
            grids.append(_performance(words["performance"], performance or {}))
        items.append(Item(table["heading"], table["tripod"], _filled(file, table["text"], known), tuple(grids)))
    (title,) = _filled(file, [words["title"]], known)
    return Card(title, _filled(file, words["intro"], known), tuple(items), tuple(known.items()))


def _filled(file: Path, texts: Iterable[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return texts with the facts that they name put in."""
    try:
        return tuple(text.format_map(known) for text in texts)
    except (KeyError, IndexError, ValueError) as error:
        message = f"unknown fact {error.args[0]!r}; known: {', '.join(known)}"
        raise PriorsError([Problem(file.name, None, "", message)]) from None


def _performance(expected: Sequence[str], found: Mapping[str, str]) -> Grid:
    names = dict.fromkeys([*expected, *found])
    return Grid(
        "Measured figures", ("What", "Figures"), tuple((name, found.get(name) or NOT_MEASURED) for name in names)
    )
