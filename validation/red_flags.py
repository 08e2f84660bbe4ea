"""Counting red flags: the rule of thumb that the model has to beat.

The flags are those of the case report's Table 1 (`validation/red_flags.toml`). Not here: scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.evidence_batch import EvidenceBatch
from model.network import Network
from priors.toml_tables import open_toml

FILE = Path(__file__).resolve().parent / "red_flags.toml"


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A warning sign: there where any of its (node, state) items was observed."""

    name: str
    label: str
    items: tuple[tuple[str, str], ...]


def read_red_flags(network: Network, file: Path = FILE) -> tuple[RedFlag, ...]:
    """Read the warning signs.

    Parameters
    ----------
    network : Network
        Its names bind.
    file : Path
        A TOML file.

    Returns
    -------
    tuple of RedFlag
        In the file's order.

    Raises
    ------
    PriorsError
        Where the file is missing or no TOML.
    UnknownName
        Where an item names a node or state that the network lacks.
    """
    flags = []
    for name, table in open_toml(file.parent, file.name, []).data.items():
        items = tuple((node, state) for node, states in table["any"].items() for state in states)
        for node, state in items:
            network.node(node).index(state)
        flags.append(RedFlag(name, table["label"], items))
    return tuple(flags)


def count_red_flags(network: Network, batch: EvidenceBatch, flags: Sequence[RedFlag]) -> NDArray[np.intp]:
    """Count the warning signs of each case; what is unsure or not assessed does not count.

    Parameters
    ----------
    network : Network
        What the batch is about.
    batch : EvidenceBatch
        Cases.
    flags : sequence of RedFlag
        From `read_red_flags`.

    Returns
    -------
    ndarray of int, shape (cases,)
        0 to the number of flags.
    """
    total = np.zeros(batch.num_cases, dtype=np.intp)
    for flag in flags:
        there = np.zeros(batch.num_cases, dtype=np.bool_)
        for node, state in flag.items:
            if node in batch.nodes:
                there |= batch.answers[batch.nodes.index(node)] == network.node(node).index(state) + 1
        total += there
    return total
