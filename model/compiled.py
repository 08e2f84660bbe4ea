"""A network compiled for quick answers: a posterior is a sum of a few rows of a table.

Given the hub, the blocks are independent, so ln P(hub, evidence) is the hub's prior plus one row for each block with
evidence. Exact. Not here: finding the hub (`model/hub.py`), what the rows hold (`model/blocks.py`), the engine
(`model/compiled_engine.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt

from model.blocks import block_logs, hub_logs, num_rows, strides
from model.hub import Hub, find_hub
from model.network import Network, Table

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands in the table: its block, and by how many rows one answer moves."""

    block: int
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The table as rows of cells of the hub, and how cells sum to the states of the hub's nodes.

    Parameters
    ----------
    rows : ndarray, shape (rows, cells)
        Log-likelihoods.
    sums : ndarray, shape (cells, 1 + states)
        Zeros and ones: probabilities of cells times this give their sum, then each state of each node.
    columns : mapping of str to slice
        The columns of each node's states.
    """

    rows: Table
    sums: Table
    columns: Mapping[str, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A network's tables.

    Parameters
    ----------
    network : Network
        What was compiled.
    hub : Hub
        Its hub.
    prior : ndarray, shape (shared states, target states)
        ln P(hub); states of several nodes run with the last fastest.
    table : ndarray, shape (rows, shared states, target states)
        ln P(answers of a block | hub), relative to nothing assessed; the blocks one after another.

    Notes
    -----
    `starts` holds each block's first row; `places` where a node stands; `moves` the block and the step that an
    answer (node, state) means; `hub_states` each hub node's state over the cells of `prior`; `shared_states` the
    joint state that answers to all shared nodes, in their order, mean. `narrow` and `wide` are the table seen as one
    row a (row, shared state), and as one row a row, with what sums its cells.
    """

    network: Network
    hub: Hub
    prior: Table
    table: Table
    starts: tuple[int, ...] = field(init=False, repr=False)
    places: Mapping[str, Place] = field(init=False, repr=False)
    moves: Mapping[tuple[str, str], tuple[int, int]] = field(init=False, repr=False)
    hub_states: Mapping[str, Rows] = field(init=False, repr=False)
    shared_states: Mapping[tuple[tuple[str, str], ...], int] = field(init=False, repr=False)
    narrow: View = field(init=False, repr=False)
    wide: View = field(init=False, repr=False)

    def __post_init__(self) -> None:
        starts, places, start = list[int](), dict[str, Place](), 0
        for index, block in enumerate(self.hub.blocks):
            starts.append(start)
            places |= {name: Place(index, stride) for name, stride in strides(self.network, block).items()}
            start += num_rows(self.network, block)
        states = {name: self.network.node(name).states for name in places}
        moves = {
            (name, state): (place.block, place.stride * answer)
            for name, place in places.items()
            for answer, state in enumerate(states[name], start=1)
        }
        shape = [len(self.network.node(name).states) for name in self.hub.nodes]
        hub_states = np.indices(shape).reshape(len(shape), *self.prior.shape)
        object.__setattr__(self, "starts", tuple(starts))
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "moves", moves)
        object.__setattr__(self, "hub_states", dict(zip(self.hub.nodes, hub_states, strict=True)))
        values = [[(name, state) for state in self.network.node(name).states] for name in self.hub.shared]
        object.__setattr__(self, "shared_states", {key: i for i, key in enumerate(product(*values))})
        for array in (self.prior, self.table):
            array.flags.writeable = False
        rows, shared, targets = self.table.shape
        narrow = _view(self, self.hub.targets, self.table.reshape(rows * shared, targets))
        object.__setattr__(self, "narrow", narrow)
        object.__setattr__(self, "wide", _view(self, self.hub.nodes, self.table.reshape(rows, shared * targets)))

    @property
    def num_shared(self) -> int:
        """Number of joint states of the hub's shared nodes."""
        return int(self.prior.shape[0])


def _view(compiled: Compiled, nodes: Sequence[str], rows: Table) -> View:
    cells = rows.shape[1]
    columns, sums, start = {}, [np.ones((cells, 1))], 1
    for name in nodes:
        size = len(compiled.network.node(name).states)
        states = compiled.hub_states[name].ravel()[:cells]  # targets run fastest: alike in every shared state
        sums.append((states[:, None] == np.arange(size)).astype(np.float64))
        columns[name] = slice(start, start + size)
        start += size
    return View(rows, np.concatenate(sums, axis=1), columns)


def table_shapes(network: Network, hub: Hub) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """Return the shapes that `Compiled.prior` and `Compiled.table` have for a network and its hub."""
    shared, targets = (math.prod(len(network.node(n).states) for n in names) for names in (hub.shared, hub.targets))
    return (shared, targets), (sum(num_rows(network, block) for block in hub.blocks), shared, targets)


def compile_network(network: Network, targets: Sequence[str]) -> Compiled:
    """Compile a network.

    Parameters
    ----------
    network : Network
        Any checked network.
    targets : sequence of str
        Nodes whose posterior is asked most.

    Returns
    -------
    Compiled
        Its tables, exact to floating point.

    Raises
    ------
    NoSmallHub
        Where they would be too large.
    """
    hub = find_hub(network, targets)
    prior_shape, shape = table_shapes(network, hub)
    prior = np.array(hub_logs(network, hub)).reshape(prior_shape)
    table = np.empty(shape)
    start = 0
    for block in hub.blocks:
        rows = np.moveaxis(block_logs(network, hub, block), -1, 0)
        full = np.broadcast_to(rows, (len(rows), *(len(network.node(n).states) for n in hub.nodes)))
        own = table[start : start + len(rows)]
        own[:] = full.reshape(own.shape)
        carried = own[0].copy()
        prior += carried
        own -= np.where(np.isfinite(carried), carried, 0.0)  # where it is -inf, the prior says so
        own[0] = 0.0
        start += len(rows)
    return Compiled(network, hub, prior, table)
