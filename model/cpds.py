"""From numbers to probabilities of a finding: over cause, cauda equina, age, syndrome or condition, and draws.

The same arrays whether the numbers are the stated ones or many draws; the last axis is draws. Not here: where the
numbers come from (`model/parameters.py`), the network (`model/build.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from model.errors import BadNetwork
from model.network import Table
from model.parameters import Parameters, log_multipliers, stated_probabilities, strengths
from model.rows import expit, latent_rows
from priors.records import AGE, CAUDA_EQUINA, CAUSE
from priors.shapes import Condition, Finding, Syndrome

NEARLY_ONE = 1 - 2.0**-50  # rounding must not make a finding certain: the only zeros are logical

States = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class FindingRows:
    """P(finding present | parents).

    Parameters
    ----------
    parents : tuple of str
        Cause first, one axis each.
    present : ndarray, shape (*parent states, draws)
        The probabilities.
    """

    parents: tuple[str, ...]
    present: Table


def finding_rows(parameters: Parameters, finding: Finding, states: States, age: int | None = None) -> FindingRows:
    """Return P(present | parents) of a finding.

    Parameters
    ----------
    parameters : Parameters
        The numbers, stated or drawn.
    finding : Finding
        Which finding.
    states : mapping of str to tuple of str
        States of every node.
    age : int, optional
        The age band to be at; age is then no parent.

    Returns
    -------
    FindingRows
        Parents in the order cause, cauda equina, age, syndrome or condition nodes.

    Raises
    ------
    BadNetwork
        Where the finding's condition can never hold.
    """
    parents = [CAUSE, *([CAUDA_EQUINA] if finding.cauda_equina else [])]
    if finding.possible_if:
        holds = _holds(finding.possible_if, states)
        m = stated_probabilities(parameters, finding)
        present = m.reshape(*m.shape[:2], *(1,) * holds.ndim, m.shape[2]) * holds[..., None]
        parents += finding.possible_if.nodes
    else:
        present = _over_age(parameters, finding, age)
        if finding.age and age is None:
            parents.append(AGE)
        syndrome = parameters.structure.syndrome_of(finding.name)
        if syndrome:
            present = _over_syndrome(parameters, finding, syndrome, present)
            parents.append(syndrome.name)
    present = np.minimum(present, NEARLY_ONE)
    shape = [len(states[parent]) for parent in parents]
    return FindingRows(tuple(parents), present.reshape(*shape, present.shape[-1]))


def _over_age(parameters: Parameters, finding: Finding, age: int | None) -> Table:
    """Return P(present), shape (causes, givens, bands or one, draws)."""
    if not finding.age:
        return stated_probabilities(parameters, finding)[:, :, None]
    logs = log_multipliers(parameters, finding)
    logs = logs if age is None else logs[:, age : age + 1]
    return expit(parameters.offsets(finding)[:, :, None] + logs[:, None])


def _over_syndrome(parameters: Parameters, finding: Finding, syndrome: Syndrome, mu: Table) -> Table:
    """Return P(present) with an axis for the latent's states before the draws."""
    state = syndrome.states.index(dict(syndrome.members)[finding.name])
    pi = parameters.shares(syndrome.name)[:, state][:, None, None]
    s = strengths(parameters, finding.name, syndrome.name)[:, None, None]
    turned = finding.name in syndrome.reversed
    inside, outside = latent_rows(1 - mu if turned else mu, pi, s)
    if turned:
        inside, outside = 1 - inside, 1 - outside
    return np.stack([inside if i == state else outside for i in range(len(syndrome.states))], axis=-2)


def _holds(condition: Condition, states: States) -> Table:
    """Return 1 where a condition holds and 0 where not, one axis a node of it."""
    holds = np.zeros(tuple(len(states[name]) for name in condition.nodes))
    decide = any if condition.mode == "any" else all
    for index in product(*(range(size) for size in holds.shape)):
        assigned = {name: states[name][i] for name, i in zip(condition.nodes, index, strict=True)}
        holds[index] = decide(assigned[node] == state for node, state in condition.terms)
    if not holds.any():
        raise BadNetwork(f"a condition over {', '.join(condition.nodes)} can never hold")
    return holds
