"""The numbers that the network's tables are built from, as arrays whose last axis is parameter draws.

The stated numbers are one draw. Not here: drawing numbers (`model/draws.py`), the tables (`model/cpds.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from model.network import Table
from model.rows import age_offsets
from priors import PriorSet
from priors.checks import finding_keys
from priors.records import (
    AGE,
    CAUDA_EQUINA,
    CAUSE,
    CONTEXT_NODES,
    DEPENDENCE,
    ODDS_MULTIPLIER,
    PRESENT,
    PROBABILITY,
    Key,
)
from priors.shapes import Finding, Structure

CAUDA_EQUINA_KEY = Key(PROBABILITY, CAUDA_EQUINA, PRESENT)


class Parameters(Protocol):
    """Values of every parameter, one or many draws of them."""

    @property
    def structure(self) -> Structure:
        """Nodes and their dependence."""
        ...

    def per_cause(self, key: Key) -> Table:
        """Return the values of a parameter, shape (causes, draws)."""
        ...

    def prevalences(self) -> Table:
        """Return P(cause), shape (causes, draws)."""
        ...

    def shares(self, node: str) -> Table:
        """Return P(state | cause) of a context node or a syndrome, shape (causes, states, draws)."""
        ...

    def offsets(self, finding: Finding) -> Table:
        """Return the log odds in the reference band of a finding with an age effect: (causes, givens, draws)."""
        ...


def stated_probabilities(parameters: Parameters, finding: Finding) -> Table:
    """Return P(finding | cause), with and without cauda equina where stated so; shape (causes, givens, draws)."""
    return np.stack([parameters.per_cause(key) for key in finding_keys(finding)], axis=1)


def log_multipliers(parameters: Parameters, finding: Finding) -> Table:
    """Return ln(odds multiplier) of each age band, shape (causes, bands, draws); the reference band has 0."""
    age = parameters.structure.age
    keys = [Key(ODDS_MULTIPLIER, finding.name, PRESENT, f"{AGE}={band}") for band in age.states]
    found = {
        band: parameters.per_cause(key) for band, key in zip(age.states, keys, strict=True) if band != age.reference
    }
    ones = np.ones_like(next(iter(found.values())))
    return np.log(np.stack([found.get(band, ones) for band in age.states], axis=1))


def strengths(parameters: Parameters, finding: str, syndrome: str) -> Table:
    """Return how strongly a finding hangs on its syndrome, shape (causes, draws)."""
    return parameters.per_cause(Key(DEPENDENCE, finding, PRESENT, syndrome))


def solve_offsets(parameters: Parameters, finding: Finding) -> Table:
    """Return a finding's log odds in the reference band of age, so that its stated probabilities hold on average.

    Parameters
    ----------
    parameters : Parameters
        Any draws.
    finding : Finding
        One with an age effect.

    Returns
    -------
    ndarray, shape (causes, givens, draws)
        See `model.rows.age_offsets`.
    """
    ages = np.moveaxis(parameters.shares(AGE), 1, -1)[:, None]  # (causes, 1, draws, bands)
    logs = np.moveaxis(log_multipliers(parameters, finding), 1, -1)[:, None]
    return age_offsets(stated_probabilities(parameters, finding), ages, np.exp(logs))


def share_keys(structure: Structure, node: str) -> tuple[Key, ...]:
    """Return the stated shares of a context node's states, or of a syndrome's states but the last."""
    states: Sequence[str]
    states = structure.context_states(node) if node in CONTEXT_NODES else structure.syndromes[node].states[:-1]
    return tuple(Key(PROBABILITY, node, state) for state in states)


class StatedParameters:
    """The stated values of a set of priors, as one draw; see `Parameters`."""

    def __init__(self, priors: PriorSet) -> None:
        self._priors = priors

    @property
    def structure(self) -> Structure:
        """Nodes and their dependence."""
        return self._priors.structure

    def per_cause(self, key: Key) -> Table:
        """Return the values of a parameter, shape (causes, 1)."""
        return np.array(self._priors.numbers(key))[:, None]

    def prevalences(self) -> Table:
        """Return P(cause), shape (causes, 1)."""
        values = np.array([self._priors.number(Key(PROBABILITY, CAUSE, cause)) for cause in self.structure.cause_names])
        shares: Table = (values / values.sum())[:, None]  # the loader holds the sum to 1e-9; the rest is rounding
        return shares

    def shares(self, node: str) -> Table:
        """Return P(state | cause) of a context node or a syndrome, shape (causes, states, 1)."""
        table = np.stack([self.per_cause(key) for key in share_keys(self.structure, node)], axis=1)
        if node in CONTEXT_NODES:
            shares: Table = table / table.sum(axis=1, keepdims=True)
            return shares
        return np.concatenate([table, 1 - table.sum(axis=1, keepdims=True)], axis=1)

    def offsets(self, finding: Finding) -> Table:
        """Return the log odds in the reference band of a finding with an age effect, shape (causes, givens, 1)."""
        return solve_offsets(self, finding)
