"""Whole columns of a table of cases at once: what each cell means, and which rows need a look of their own.

A row is regular where every cell is blank or one of the usual words or numbers. The others (a likelihood ratio, a
laboratory value, a mistake) are read one by one. Not here: reading rows (`model/casetable.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.casefile import CARRIED
from model.caserows import TableRows, is_text, text_of
from model.evidence_batch import Answers, EvidenceBatch, hard_batch
from model.network import Table
from priors.records import ABSENT, AGE, DEFAULT_PROFILE, DURATION, PRESENT, SEX
from priors.shapes import BandedContext, Structure
from priors.text import plain_number

IRREGULAR = -1

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RegularRows:
    """The regular rows of a table.

    Parameters
    ----------
    regular : ndarray of bool, shape (rows,)
        Which rows are; the others count for nothing here.
    ids : list of str or None
        As given.
    profiles : list of str
        Profile that each regular row asks for.
    nodes : tuple of str
        Nodes with a column.
    answers : ndarray of int8, shape (nodes, rows)
        As in `model.evidence_batch.EvidenceBatch`.
    """

    regular: Mask
    ids: list[str | None]
    profiles: list[str]
    nodes: tuple[str, ...]
    answers: Answers

    def batch(self, rows: npt.NDArray[np.intp]) -> EvidenceBatch:
        """Return the evidence of some regular rows."""
        return hard_batch(self.nodes, self.answers[:, rows])


def regular_rows(table: TableRows, structure: Structure, chosen: str | None, profiles: Sequence[str]) -> RegularRows:
    """Read the regular rows of a table, column by column.

    Parameters
    ----------
    table : TableRows
        Some rows.
    structure : Structure
        The vocabulary.
    chosen : str or None
        Profile for all rows; else each row's setting.
    profiles : sequence of str
        Profiles that a setting may name.

    Returns
    -------
    RegularRows
        What they say.
    """
    size = table.cells.num_rows
    regular = np.ones(size, dtype=np.bool_)
    regular[list(table.errors)] = False
    columns = {name: table.cells.column(name) for name in table.cells.schema.names}
    ids: list[str | None] = [None] * size
    asked = [chosen or DEFAULT_PROFILE] * size
    nodes, answers = [], []
    for name, column in columns.items():
        codes: npt.NDArray[np.int8] | None = None
        if name in structure.findings:
            codes = _coded(column, {"": 0, PRESENT: 1, ABSENT: 2})
        elif name == SEX:
            codes = _coded(column, {"": 0} | {state: i for i, state in enumerate(structure.sex.states, start=1)})
        elif name in (AGE, DURATION):
            codes = _banded(column, structure.age if name == AGE else structure.duration)
        elif name == "id":
            ids = [text or None for text in _texts(column)]
        elif name == "setting":
            if chosen is None:
                asked = [text or DEFAULT_PROFILE for text in _texts(column)]
                regular &= np.array([text in profiles for text in asked], dtype=np.bool_)
        elif name in structure.facts and name in table.known:
            regular &= _is_fact(column)
        elif name not in table.known or name not in CARRIED:
            regular &= _blank(column)
        if codes is not None:
            regular &= codes != IRREGULAR
            nodes.append(name)
            answers.append(codes)
    return RegularRows(regular, ids, asked, tuple(nodes), np.array(answers, dtype=np.int8).reshape(len(nodes), size))


def _looked_up(column: pa.Array, meaning: Callable[[str], float], blank: float, dtype: type) -> npt.NDArray[np.generic]:
    """Return the meaning of each cell, worked out once for each different text."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    texts = [(value or "").strip() for value in column.dictionary.cast(pa.string()).to_pylist()]
    meanings: npt.NDArray[np.generic] = np.array([*(meaning(text) for text in texts), blank], dtype=dtype)
    found: npt.NDArray[np.generic] = meanings[
        column.indices.cast(pa.int32()).fill_null(len(texts)).to_numpy(zero_copy_only=False)
    ]
    return found


def _blank(column: pa.Array) -> Mask:
    if not is_text(column.type):
        nulls: Mask = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
        return nulls
    return np.asarray(_looked_up(column, lambda text: not text, True, np.bool_), dtype=np.bool_)


def _is_fact(column: pa.Array) -> Mask:
    """Say which cells are blank, true or false."""
    if pa.types.is_boolean(column.type):
        return np.ones(len(column), dtype=np.bool_)
    if not is_text(column.type):
        return _blank(column)
    known = ("", "true", "false")
    return np.asarray(_looked_up(column, lambda text: text.lower() in known, True, np.bool_), dtype=np.bool_)


def _coded(column: pa.Array, codes: dict[str, int]) -> Answers:
    if not is_text(column.type):
        return np.where(_blank(column), 0, IRREGULAR).astype(np.int8)
    return np.asarray(_looked_up(column, lambda text: codes.get(text, IRREGULAR), 0, np.int8), dtype=np.int8)


def _texts(column: pa.Array) -> list[str]:
    return [text_of(value) for value in column.to_pylist()]


def _banded(column: pa.Array, context: BandedContext) -> Answers:
    """Return 1 + the band of each number, 0 where blank."""
    numbers: Table
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        blank = _blank(column)
        numbers = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    elif is_text(column.type):
        blank = _blank(column)
        numbers = np.asarray(_looked_up(column, _number, np.nan, np.float64), dtype=np.float64)
    else:
        return np.where(_blank(column), 0, IRREGULAR).astype(np.int8)
    with np.errstate(invalid="ignore"):
        inside = (numbers >= context.minimum) & (numbers <= context.maximum)
    bands = np.searchsorted([band.start for band in context.bands], numbers, side="right")
    return np.where(blank, 0, np.where(inside, bands, IRREGULAR)).astype(np.int8)


def _number(text: str) -> float:
    number = plain_number(text)
    return np.nan if number is None else number
