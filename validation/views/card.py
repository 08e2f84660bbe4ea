"""The model card as a section of the report, and as Markdown for docs/model-card.md.

Not here: what it says (`validation/card.py`), writing the file.
"""

from __future__ import annotations

from validation.card import Card, Item
from validation.sections import Grid, Section

MADE = "<!-- Made from the data by `python -m validation report --renew`; changes by hand are lost. -->"
NO_ITEM = "no item of the checklist"


def section(result: Card) -> Section:
    """Return the card as a section of the report.

    Parameters
    ----------
    result : Card
        The model card.

    Returns
    -------
    Section
        The items as one table, theirs after it.
    """
    items = Grid(
        title="The card, item by item",
        columns=("Item", "TRIPOD+AI", "What there is to say"),
        rows=tuple((item.heading, item.tripod or NO_ITEM, " ".join(item.paragraphs)) for item in result.items),
    )
    return Section(
        key="card",
        title=result.title,
        text=result.intro,
        grids=(items, *(grid for item in result.items for grid in item.grids)),
        figures={
            "facts": dict(result.facts),
            "items": {item.heading: {"tripod": item.tripod, "text": list(item.paragraphs)} for item in result.items},
        },
    )


def markdown(card: Card) -> str:
    """Return the card as a Markdown document.

    Parameters
    ----------
    card : Card
        The model card.

    Returns
    -------
    str
        Headings, paragraphs and tables, with a newline at the end.
    """
    parts = [MADE, f"# {card.title}", *map(_escaped, card.intro)]
    for item in card.items:
        parts += _item(item)
    return "\n\n".join(parts) + "\n"


def _item(item: Item) -> list[str]:
    parts = [f"## {item.heading}", f"*TRIPOD+AI: {item.tripod or NO_ITEM}.*", *map(_escaped, item.paragraphs)]
    for grid in item.grids:
        parts += [f"**{grid.title}**", _table(grid)] + ([_escaped(grid.note)] if grid.note else [])
    return parts


def _table(grid: Grid) -> str:
    """Return a table, its first column to the left and the others as the reader's page sets them."""
    lines = [grid.columns, tuple("---" for _ in grid.columns), *grid.rows]
    return "\n".join("| " + " | ".join(_escaped(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _escaped(text: str) -> str:
    """Return text whose signs Markdown or HTML would take for their own stand as they are."""
    for sign in ("<", "*"):
        text = text.replace(sign, f"\\{sign}")
    return text
