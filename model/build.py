"""Build the network from priors: which table each node gets, from which numbers.

The constructions themselves are in `model/rows.py`; checks of the result in `model/network.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from model.errors import BadNetwork
from model.network import CPD, Network, Node, Table
from model.rows import age_rows, latent_rows
from priors import PRIORS_FOLDER, PriorSet, load_priors
from priors.records import (
    ABSENT,
    AGE,
    CAUDA_EQUINA,
    CAUSE,
    CONTEXT_NODES,
    DEFAULT_PROFILE,
    DEPENDENCE,
    DURATION,
    ODDS_MULTIPLIER,
    PRESENT,
    PROBABILITY,
    SEX,
    Key,
)
from priors.shapes import Condition, Finding, Syndrome

# Raise when code changes what the same numbers give: digests, and caches keyed by them, then differ.
RESULTS_VERSION = 1

BINARY = (PRESENT, ABSENT)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A validated set of priors and the network built from it.

    Parameters
    ----------
    priors : PriorSet
        Structure, numbers and sources under one profile.
    network : Network
        The Bayesian network.
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
    structure = priors.structure
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
    prior = np.array([priors.number(Key(PROBABILITY, CAUSE, cause)) for cause in structure.cause_names])
    cpds = [CPD(CAUSE, (), prior / prior.sum())]  # the loader holds the sum to 1e-9; the rest is rounding
    cpds += [CPD(name, (CAUSE,), _context_table(priors, name)) for name in CONTEXT_NODES]
    cpds.append(CPD(CAUDA_EQUINA, (CAUSE,), _binary(_per_cause(priors, Key(PROBABILITY, CAUDA_EQUINA, PRESENT)))))
    cpds += [CPD(s.name, (CAUSE,), _syndrome_table(priors, s)) for s in structure.syndromes.values()]
    cpds += [_finding_cpd(priors, finding, states) for finding in structure.findings.values()]
    digest = hashlib.sha256(f"{RESULTS_VERSION}:{priors.digest}".encode()).hexdigest()[:16]
    return Network(tuple(nodes), tuple(cpds), digest, priors.profile)


def _per_cause(priors: PriorSet, key: Key) -> Table:
    return np.array(priors.numbers(key))


def _binary(present: Table) -> Table:
    return np.stack([present, 1 - present], axis=-1)


def _context_table(priors: PriorSet, node: str) -> Table:
    states = priors.structure.context_states(node)
    table = np.stack([_per_cause(priors, Key(PROBABILITY, node, state)) for state in states], axis=-1)
    shares: Table = table / table.sum(axis=-1, keepdims=True)
    return shares


def _syndrome_table(priors: PriorSet, syndrome: Syndrome) -> Table:
    shares = [_per_cause(priors, Key(PROBABILITY, syndrome.name, state)) for state in syndrome.states[:-1]]
    return np.stack([*shares, 1 - np.sum(shares, axis=0)], axis=-1)


def _finding_cpd(priors: PriorSet, finding: Finding, states: dict[str, tuple[str, ...]]) -> CPD:
    """Return the table of a finding over cause, then cauda equina, age, and syndrome or condition nodes."""
    parents = [CAUSE]
    if finding.cauda_equina:
        parents.append(CAUDA_EQUINA)
        givens = [f"{CAUDA_EQUINA}={state}" for state in BINARY]
    else:
        givens = [""]
    # m: (causes, cauda equina states or 1)
    m = np.stack([_per_cause(priors, Key(PROBABILITY, finding.name, PRESENT, given)) for given in givens], axis=-1)
    if finding.possible_if:
        present, extra = _conditional(m, finding.possible_if, states)
        parents += extra
    else:
        present = m[..., None]
        if finding.age:
            parents.append(AGE)
            present = age_rows(m, _context_table(priors, AGE)[:, None, :], _multipliers(priors, finding)[:, None, :])
        syndrome = priors.structure.syndrome_of(finding.name)
        if syndrome:
            parents.append(syndrome.name)
            present = _over_syndrome(priors, finding, syndrome, present)
        else:
            present = present[..., None]
    shape = tuple(len(states[parent]) for parent in parents)
    return CPD(finding.name, tuple(parents), _binary(present.reshape(shape)))


def _multipliers(priors: PriorSet, finding: Finding) -> Table:
    """Return the odds multipliers, shape (causes, bands); the reference band has 1."""
    age = priors.structure.age
    ones = np.ones(len(priors.structure.causes))
    columns = []
    for band in age.states:
        key = Key(ODDS_MULTIPLIER, finding.name, PRESENT, f"{AGE}={band}")
        columns.append(ones if band == age.reference else _per_cause(priors, key))
    return np.stack(columns, axis=-1)


def _over_syndrome(priors: PriorSet, finding: Finding, syndrome: Syndrome, mu: Table) -> Table:
    """Return P(present) with an axis added for the latent's states; mu has shape (causes, ces, age)."""
    state = dict(syndrome.members)[finding.name]
    pi = _per_cause(priors, Key(PROBABILITY, syndrome.name, state))[:, None, None]
    s = _per_cause(priors, Key(DEPENDENCE, finding.name, PRESENT, syndrome.name))[:, None, None]
    turned = finding.name in syndrome.reversed
    rows = latent_rows(1 - mu if turned else mu, pi, s)
    rows = 1 - rows if turned else rows
    return np.stack([rows[..., 0] if name == state else rows[..., 1] for name in syndrome.states], axis=-1)


def _conditional(k: Table, condition: Condition, states: dict[str, tuple[str, ...]]) -> tuple[Table, list[str]]:
    """Return P(present) over (causes, ces, *condition nodes): k where the condition holds, else a logical zero."""
    extra = list(condition.nodes)
    holds = np.zeros(tuple(len(states[name]) for name in extra))
    decide = any if condition.mode == "any" else all
    for index in product(*(range(size) for size in holds.shape)):
        assigned = {name: states[name][i] for name, i in zip(extra, index, strict=True)}
        holds[index] = decide(assigned[node] == state for node, state in condition.terms)
    if not holds.any():
        raise BadNetwork(f"a condition over {', '.join(extra)} can never hold")
    table: Table = k.reshape(*k.shape, *(1,) * len(extra)) * holds
    return table, extra
