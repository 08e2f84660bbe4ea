"""A truth with dependence that the model lacks: each finding by itself as the model has it, together otherwise.

Not here: other harms (`validation/harms.py`), what a harm costs (`validation/twin.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import Model
from model.build import BINARY, network_of
from model.cpds import finding_rows
from model.elimination import log_joint
from model.errors import BadNetwork
from model.evidence import Evidence
from model.network import CPD, Network, Node, Table
from model.parameters import StatedParameters
from model.rows import latent_rows
from priors.records import CAUDA_EQUINA, CAUSE, DEPENDENCE, Key
from priors.shapes import Finding, Structure
from validation.cohort import BEDSIDE

SEVERITY = Node("hidden_severity", BINARY, "Hidden severity", "syndrome")


@dataclass(frozen=True, slots=True)
class Ties:
    """How findings hang together in the truth of the missed dependence.

    Parameters
    ----------
    strength : float
        Every finding's dependence on its syndrome is at least this; the design's ceiling is 0.95.
    severe : float
        Share of patients, whatever their cause, in whom every bedside finding is commoner.
    pull : float
        How strongly findings hang on that severity, 0 to 0.95 as a dependence on a syndrome is.
    """

    strength: float = 0.95
    severe: float = 0.25
    pull: float = 0.8


USUAL_TIES = Ties()


class _Tied(StatedParameters):
    """The stated numbers with every dependence on a syndrome raised."""

    def __init__(self, model: Model, strength: float) -> None:
        super().__init__(model.priors)
        self._strength = strength

    def per_cause(self, key: Key) -> Table:
        """Return the values of a parameter, shape (causes, 1)."""
        own = super().per_cause(key)
        return np.maximum(own, self._strength) if key.parameter == DEPENDENCE else own


class _Loose(StatedParameters):
    """The stated numbers with every dependence on a syndrome lowered."""

    def __init__(self, model: Model, share: float) -> None:
        super().__init__(model.priors)
        self._share = share

    def per_cause(self, key: Key) -> Table:
        """Return the values of a parameter, shape (causes, 1)."""
        own = super().per_cause(key)
        return own * self._share if key.parameter == DEPENDENCE else own


def loose_truth(model: Model, share: float) -> Network:
    """Return a network with the model's numbers for each finding, and findings of a syndrome tied less than it knows.

    Parameters
    ----------
    model : Model
        What is harmed.
    share : float
        Of each strength of dependence that is left, 0 to 1.

    Returns
    -------
    Network
        P(finding | cause) stays exactly as it is, but for findings bound to others, which follow their conditions.
    """
    return network_of(_Loose(model, share), f"{model.digest}-loose", model.profile)


def tied_truth(model: Model, ties: Ties) -> Network:
    """Return a network with the model's numbers for each finding, and findings tied together more than it knows.

    Parameters
    ----------
    model : Model
        What is harmed.
    ties : Ties
        How strongly.

    Returns
    -------
    Network
        With a root `hidden_severity`, independent of cause, complication, age and syndromes.

    Raises
    ------
    BadNetwork
        Where a bound finding's number could only be kept by a probability over one.

    Notes
    -----
    Syndromes: `model.rows.latent_rows` with the raised strength. Severity: the same formula on each row, V in place of
    L, for bedside findings that no logic binds. A bound finding is scaled by P(its condition) before over after. So
    P(finding | cause), and P(finding | cause, cauda equina) where stated so, stay exactly as they are.
    """
    structure = model.priors.structure
    states = {node.name: node.states for node in model.network.nodes}
    parameters, cpds = _Tied(model, ties.strength), dict(model.network.cpd_of)
    for finding in structure.findings.values():
        if finding.possible_if is None:
            rows = finding_rows(parameters, finding, states)
            cpds[finding.name] = _by_severity(finding, rows.parents, rows.present[..., 0], structure, ties)
    cpds[SEVERITY.name] = CPD(SEVERITY.name, (), np.array([ties.severe, 1 - ties.severe]))
    nodes = (SEVERITY, *model.network.nodes)
    tied = Network(nodes, tuple(cpds.values()), f"{model.digest}-tied", model.profile)
    for finding in structure.findings.values():
        if finding.possible_if is not None:
            cpds[finding.name] = _rescaled(model.network, tied, finding.name)
    return Network(nodes, tuple(cpds.values()), tied.digest, tied.profile)


def _by_severity(finding: Finding, parents: tuple[str, ...], present: Table, structure: Structure, ties: Ties) -> CPD:
    """Return a finding's table with severity as its last parent; a test keeps its parents."""
    if finding.burden not in BEDSIDE:
        return CPD(finding.name, parents, np.stack([present, 1 - present], axis=-1))
    syndrome = structure.syndrome_of(finding.name)
    turned = syndrome is not None and finding.name in syndrome.reversed
    mu = 1 - present if turned else present
    rows = np.moveaxis(latent_rows(mu, np.array(ties.severe), np.array(ties.pull)), 0, -1)
    rows = 1 - rows if turned else rows
    return CPD(finding.name, (*parents, SEVERITY.name), np.stack([rows, 1 - rows], axis=-1))


def _rescaled(before: Network, after: Network, name: str) -> CPD:
    """Return a bound finding's table with its share scaled so that its own probability stays."""
    cpd = before.cpd_of[name]
    leading = tuple(parent for parent in cpd.parents if parent in (CAUSE, CAUDA_EQUINA))
    others = cpd.parents[len(leading) :]
    present = cpd.table[..., 0]
    holds = np.any(present > 0, axis=tuple(range(len(leading))))
    ratio = _chance(before, leading, others, holds) / _chance(after, leading, others, holds)
    scaled = present * ratio.reshape(*ratio.shape, *(1,) * len(others))
    if scaled.max() > 1:
        raise BadNetwork(f"{name}: its probability cannot be kept, for its condition holds too seldom")
    return CPD(name, cpd.parents, np.stack([scaled, 1 - scaled], axis=-1))


def _chance(network: Network, leading: tuple[str, ...], others: tuple[str, ...], holds: NDArray[np.bool_]) -> Table:
    """Return P(a condition over `others` | leading nodes)."""
    joint = np.exp(log_joint(network, Evidence(), (*leading, *others)))
    axes = tuple(range(len(leading), joint.ndim))
    chance: Table = (joint * holds).sum(axis=axes) / joint.sum(axis=axes)
    return chance


def known_severity(truth: Network) -> tuple[tuple[float, Network], ...]:
    """Return the truth without its severity node, for severe patients and for the others, with their shares."""
    share = truth.cpd_of[SEVERITY.name].table
    return tuple((float(share[state]), _at_severity(truth, state)) for state in range(len(SEVERITY.states)))


def _at_severity(truth: Network, state: int) -> Network:
    nodes = tuple(node for node in truth.nodes if node.name != SEVERITY.name)
    cpds = []
    for cpd in (truth.cpd_of[node.name] for node in nodes):
        if SEVERITY.name in cpd.parents:
            parents = tuple(parent for parent in cpd.parents if parent != SEVERITY.name)
            axis = cpd.parents.index(SEVERITY.name)
            cpd = CPD(cpd.node, parents, np.asarray(cpd.table.take(state, axis=axis)))
        cpds.append(cpd)
    return Network(nodes, tuple(cpds), f"{truth.digest}-{SEVERITY.states[state]}", truth.profile)
