"""Build the network from priors: which table each node gets, from which numbers.

The tables themselves are in `model/cpds.py`; checks of the result in `model/network.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.cache import cache_folder
from model.compiled import Compiled
from model.compiled_engine import CompiledEngine
from model.cpds import finding_rows
from model.merged import BatchTables, merge_blocks
from model.network import CPD, Network, Node, Table
from model.parameters import CAUDA_EQUINA_KEY, Parameters, StatedParameters
from model.stored import compile_stored
from priors import PRIORS_FOLDER, PriorSet, load_priors
from priors.records import ABSENT, AGE, CAUDA_EQUINA, CAUSE, CONTEXT_NODES, DEFAULT_PROFILE, DURATION, PRESENT, SEX

if TYPE_CHECKING:
    from model.draws import DrawnParameters
    from model.merged import BatchTables

# Raise when code changes what the same numbers give: digests, and caches keyed by them, then differ.
RESULTS_VERSION = 1

BINARY = (PRESENT, ABSENT)


@dataclass(frozen=True, eq=False)
class Model:
    """A validated set of priors and the network built from it.

    Parameters
    ----------
    priors : PriorSet
        Structure, numbers and sources under one profile.
    network : Network
        The Bayesian network.

    Notes
    -----
    `engine` answers questions about the network; its tables are made, or read from the cache, at the first one.
    """

    priors: PriorSet
    network: Network

    @property
    def profile(self) -> str:
        """Name of the profile."""
        return self.priors.profile

    @property
    def digest(self) -> str:
        """Digest that every result carries."""
        return self.network.digest

    @cached_property
    def engine(self) -> CompiledEngine:
        """The everyday engine, with this network's tables."""
        return CompiledEngine(lambda network: compile_stored(network, cache_folder()))

    @property
    def compiled(self) -> Compiled:
        """The network's tables, for what-ifs; raise NoSmallHub where there are none."""
        return self.engine.compiled(self.network)

    @cached_property
    def batch_tables(self) -> BatchTables:
        """The tables for many cases at once; raise NoSmallHub where there are none."""
        return merge_blocks(self.compiled)

    @cached_property
    def draws(self) -> DrawnParameters:
        """Draws of every number, the usual many; made once and kept in the cache."""
        from model.draws import draw_parameters

        return draw_parameters(self.priors, self.digest, folder=cache_folder())


def load_model(profile: str = DEFAULT_PROFILE, folder: Path | str = PRIORS_FOLDER) -> Model:
    """Read the priors of a folder under a profile and build their network.

    Parameters
    ----------
    profile : str
        `documents`, a name from `priors/profiles/`, or the path of a CSV overlay.
    folder : Path or str
        Folder of priors.

    Returns
    -------
    Model
        Priors and network.

    Raises
    ------
    PriorsError
        Where a data file breaks a rule.

    Examples
    --------
    >>> len(load_model().network.node("cause").states)
    14
    """
    priors = load_priors(folder, profile)
    return Model(priors, build_network(priors))


def build_network(priors: PriorSet) -> Network:
    """Build the network of a set of priors.

    Parameters
    ----------
    priors : PriorSet
        Checked numbers and structure.

    Returns
    -------
    Network
        Nodes `cause`, `cauda_equina_syndrome`, age, sex, duration, one per syndrome, one per finding.

    Raises
    ------
    BadNetwork
        Where a table built from the numbers would not be one.
    """
    digest = hashlib.sha256(f"{RESULTS_VERSION}:{priors.digest}".encode()).hexdigest()[:16]
    return network_of(StatedParameters(priors), digest, priors.profile)


def network_of(parameters: Parameters, digest: str, profile: str) -> Network:
    """Build the network that holds one draw of the numbers.

    Parameters
    ----------
    parameters : Parameters
        The stated numbers, or draws of them (`DrawnParameters.one` takes one out); the first draw is used.
    digest, profile : str
        What the network is to be known by.

    Returns
    -------
    Network
        As `build_network`.

    Raises
    ------
    BadNetwork
        Where a table built from the numbers would not be one.
    """
    structure = parameters.structure
    nodes = [
        Node(CAUSE, structure.cause_names, "Cause", "cause"),
        Node(CAUDA_EQUINA, BINARY, structure.complication.label, "complication"),
        Node(AGE, structure.age.states, structure.age.label, "context"),
        Node(SEX, structure.sex.states, structure.sex.label, "context"),
        Node(DURATION, structure.duration.states, structure.duration.label, "context"),
        *(Node(s.name, s.states, s.label, "syndrome") for s in structure.syndromes.values()),
        *(Node(f.name, BINARY, f.label, "finding") for f in structure.findings.values()),
    ]
    states = {node.name: node.states for node in nodes}
    cpds = [CPD(CAUSE, (), parameters.prevalences()[:, 0])]
    shared = (*CONTEXT_NODES, *structure.syndromes)
    cpds += [CPD(name, (CAUSE,), parameters.shares(name)[..., 0]) for name in shared]
    cpds.append(CPD(CAUDA_EQUINA, (CAUSE,), _binary(parameters.per_cause(CAUDA_EQUINA_KEY)[:, 0])))
    for finding in structure.findings.values():
        rows = finding_rows(parameters, finding, states)
        cpds.append(CPD(finding.name, rows.parents, _binary(rows.present[..., 0])))
    return Network(tuple(nodes), tuple(cpds), digest, profile)


def _binary(present: Table) -> Table:
    return np.stack([present, 1 - present], axis=-1)
