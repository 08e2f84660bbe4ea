"""A compiled network's small blocks merged into larger tables, so that a case of a batch takes few rows.

Not here: compiling (`model/compiled.py`), looking up (`model/batch.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from model.compiled import Compiled, View

MERGED_ROWS = 729


@dataclass(frozen=True, slots=True, eq=False)
class BatchTables:
    """A compiled network with its small blocks merged; made by `merge_blocks`.

    Parameters
    ----------
    compiled : Compiled
        What was merged.
    strides : mapping of str to (int, int)
        Group of each node, and by how many rows one of its answers moves.
    starts : tuple of int
        First row of each group; row `starts[g]` has nothing of the group assessed.
    narrow, wide : View
        As in `Compiled`, with the hub's prior as last row of the table.
    """

    compiled: Compiled
    strides: Mapping[str, tuple[int, int]]
    starts: tuple[int, ...]
    narrow: View
    wide: View


def merge_blocks(compiled: Compiled) -> BatchTables:
    """Merge small blocks of a compiled network into tables of at most `MERGED_ROWS` rows.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.

    Returns
    -------
    BatchTables
        The same log-likelihoods, summed over the blocks of a group.
    """
    ends = [*compiled.starts[1:], len(compiled.table)]  # one too many where there is no block
    tables = [compiled.table[start:end] for start, end in zip(compiled.starts, ends, strict=False)]
    groups: list[list[int]] = []
    for block in sorted(range(len(tables)), key=lambda b: -len(tables[b])):
        sizes = [math.prod(len(tables[b]) for b in group) * len(tables[block]) for group in groups]
        fitting = [index for index, size in enumerate(sizes) if size <= MERGED_ROWS]
        groups[fitting[0]].append(block) if fitting else groups.append([block])
    totals = [math.prod(len(tables[b]) for b in group) for group in groups]
    starts = [0, *accumulate(totals)]
    shared, targets = compiled.prior.shape
    rows = np.empty((starts[-1] + 1, shared, targets))
    rows[-1] = compiled.prior
    steps = dict[int, tuple[int, int]]()
    for number, group in enumerate(groups):
        table = tables[group[0]]
        for block in group[1:]:
            table = (table[:, None] + tables[block][None, :]).reshape((-1, shared, targets))
        rows[starts[number] : starts[number + 1]] = table
        step = len(table)
        for block in group:
            step //= len(tables[block])
            steps[block] = (number, step)
    strides = {}
    for name, place in compiled.places.items():
        number, step = steps[place.block]
        strides[name] = (number, step * place.stride)
    rows.flags.writeable = False
    return BatchTables(
        compiled,
        strides,
        tuple(starts[:-1]),
        View(rows.reshape(-1, targets), compiled.narrow.sums, compiled.narrow.columns),
        View(rows.reshape(-1, shared * targets), compiled.wide.sums, compiled.wide.columns),
    )
