"""The network: nodes, conditional probability tables, and the checks that make them one. The one definition.

Not here: how the tables follow from priors/ (`model/build.py`), inference (`model/engine.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.errors import BadNetwork, UnknownName

ROW_TOLERANCE = 1e-9
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Node:
    """A variable and its exclusive states.

    Parameters
    ----------
    name : str
        Matches [A-Za-z_][A-Za-z0-9_]*, as other tools need.
    states : tuple of str
        Two or more; same pattern.
    label : str
        For people.
    kind : str
        cause, complication, context, syndrome or finding.
    """

    name: str
    states: tuple[str, ...]
    label: str = ""
    kind: str = "finding"

    def index(self, state: str) -> int:
        """Return the position of a state; raise UnknownName where there is none."""
        if state not in self.states:
            raise UnknownName(f"state of {self.name}", state, self.states)
        return self.states.index(state)


@dataclass(frozen=True, slots=True, eq=False)
class CPD:
    """P(node | parents).

    Parameters
    ----------
    node : str
        The child.
    parents : tuple of str
        In the order of the table's axes.
    table : ndarray, shape (*parent states, node states)
        Child last, so that rows sum to one on the last axis. Kept as a read-only copy.
    """

    node: str
    parents: tuple[str, ...]
    table: Table

    def __post_init__(self) -> None:
        table = np.array(self.table, dtype=np.float64)
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    @property
    def scope(self) -> tuple[str, ...]:
        """Names of the table's axes."""
        return (*self.parents, self.node)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A Bayesian network, checked and immutable, its nodes in topological order.

    Parameters
    ----------
    nodes : iterable of Node
        In any order; stored parents first, otherwise as given.
    cpds : iterable of CPD
        One a node.
    digest : str
        What the network was built from; results carry it.
    profile : str
        Name of the profile, empty where there is none.

    Raises
    ------
    BadNetwork
        A bad or double name, a missing table, an unknown parent, a wrong shape, a row that does not sum to
        one within 1e-9, a number outside 0..1, a cycle.
    """

    nodes: tuple[Node, ...]
    cpds: tuple[CPD, ...]
    digest: str = ""
    profile: str = ""
    by_name: Mapping[str, Node] = field(init=False, repr=False)
    cpd_of: Mapping[str, CPD] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        nodes, cpds = tuple(self.nodes), tuple(self.cpds)
        by_name, cpd_of = {node.name: node for node in nodes}, {cpd.node: cpd for cpd in cpds}
        _check_names(nodes, cpds, by_name, cpd_of)
        for cpd in cpds:
            _check_table(cpd, by_name)
        order = _topological(nodes, cpd_of)
        object.__setattr__(self, "nodes", tuple(by_name[name] for name in order))
        object.__setattr__(self, "cpds", tuple(cpd_of[name] for name in order))
        object.__setattr__(self, "by_name", MappingProxyType(by_name))
        object.__setattr__(self, "cpd_of", MappingProxyType(cpd_of))

    def node(self, name: str) -> Node:
        """Return a node by name; raise UnknownName, suggesting the nearest."""
        if name not in self.by_name:
            raise UnknownName("node", name, self.by_name)
        return self.by_name[name]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the named nodes and all they descend from."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.cpd_of[name].parents)
        return found


def _check_names(
    nodes: tuple[Node, ...], cpds: tuple[CPD, ...], by_name: Mapping[str, Node], cpd_of: Mapping[str, CPD]
) -> None:
    for node in nodes:
        if bad := [name for name in (node.name, *node.states) if not (isinstance(name, str) and _NAME.match(name))]:
            raise BadNetwork(f"{node.name}: bad name {bad[0]!r}; names match [A-Za-z_][A-Za-z0-9_]*")
        if len(set(node.states)) < max(2, len(node.states)):
            raise BadNetwork(f"{node.name}: expected two or more different states, found {node.states}")
    if len(by_name) != len(nodes):
        raise BadNetwork("two nodes share a name")
    if len(cpds) != len(nodes) or set(cpd_of) != set(by_name):
        wrong = sorted(set(by_name) ^ set(cpd_of)) or ["some node"]
        raise BadNetwork(f"expected exactly one table for each node; at fault: {', '.join(wrong)}")


def _check_table(cpd: CPD, by_name: Mapping[str, Node]) -> None:
    for parent in cpd.parents:
        if parent not in by_name:
            raise BadNetwork(f"{cpd.node}: unknown parent {parent!r}")
    if len(set(cpd.scope)) != len(cpd.scope):
        raise BadNetwork(f"{cpd.node}: a parent stands twice")
    shape = tuple(len(by_name[name].states) for name in cpd.scope)
    if cpd.table.shape != shape:
        raise BadNetwork(f"{cpd.node}: expected a table of shape {shape} over {cpd.scope}, found {cpd.table.shape}")
    if not np.all((cpd.table >= 0) & (cpd.table <= 1)):
        raise BadNetwork(f"{cpd.node}: a number is not a probability between 0 and 1")
    worst = float(np.max(np.abs(cpd.table.sum(axis=-1) - 1)))
    if worst > ROW_TOLERANCE:
        raise BadNetwork(
            f"{cpd.node}: a row misses the sum of one by {worst:.3g}; at most {ROW_TOLERANCE:g} is allowed"
        )


def _topological(nodes: tuple[Node, ...], cpd_of: Mapping[str, CPD]) -> tuple[str, ...]:
    """Return node names with parents first; an order that has them so already stays as it is."""
    try:
        TopologicalSorter({node.name: cpd_of[node.name].parents for node in nodes}).prepare()
    except CycleError as error:
        raise BadNetwork(f"the network has a cycle: {' -> '.join(error.args[1])}") from None
    order: dict[str, None] = {}
    waiting = [node.name for node in nodes]
    while waiting:
        ready = [name for name in waiting if all(parent in order for parent in cpd_of[name].parents)]
        order |= dict.fromkeys(ready[:1])
        waiting.remove(ready[0])
    return tuple(order)
