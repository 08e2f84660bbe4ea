"""Every engine as one function of many cases: ours, pgmpy, and pyAgrum where it is installed.

Not here: what is compared (`validation/engines.py`), how fast they are (`validation/benchmark.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from model import Model
from model.batch import batch_posterior
from model.drawn import drawn_posteriors
from model.elimination import EliminationEngine
from model.engine import Engine
from model.errors import ImpossibleEvidence
from model.evidence import Evidence, likelihood_vector
from model.evidence_batch import batch_of
from model.network import Network, Table
from model.parameters import StatedParameters
from model.pgmpy_bridge import PgmpyEngine, inference_of
from priors.records import CAUDA_EQUINA, CAUSE

TARGETS = (CAUSE, CAUDA_EQUINA)

COMPILED, BATCH, ELIMINATION, DRAWN, BRIDGE = OURS = ("compiled", "batch", "elimination", "drawn", "pgmpy_engine")
PGMPY, PYAGRUM = RIVALS = ("pgmpy", "pyagrum")


class Said(NamedTuple):
    """What an engine says of one case.

    Parameters
    ----------
    cause, complication : ndarray, shape (states,)
        P(state | evidence).
    log_evidence : float or None
        ln P(evidence); None from an engine that does not tell it.
    """

    cause: Table
    complication: Table
    log_evidence: float | None


Asker = Callable[[Sequence[Evidence]], list[Said | None]]
"""Cases -> what is said of each; None for a case that the engine is not asked. Raises ImpossibleEvidence."""


def our_askers(model: Model) -> dict[str, Asker]:
    """Return the engines of the project, the reference first: those that `python -m model` and the app answer with.

    Parameters
    ----------
    model : Model
        Under any profile.

    Returns
    -------
    dict of str to callable
        By name, see `OURS`.
    """
    return {
        COMPILED: _of_engine(model.engine, model.network),
        BATCH: _batch(model),
        ELIMINATION: _of_engine(EliminationEngine(), model.network),
        DRAWN: _drawn(model),
        BRIDGE: _of_engine(PgmpyEngine(), model.network),
    }


def rival_askers(model: Model) -> tuple[dict[str, Asker], tuple[str, ...]]:
    """Return pgmpy and pyAgrum as their own users ask them, and why one is missing.

    Parameters
    ----------
    model : Model
        Under any profile.

    Returns
    -------
    dict of str to callable
        By name, see `RIVALS`.
    tuple of str
        A note on each that cannot be had.
    """
    askers = {PGMPY: _pgmpy(model.network)}
    try:
        askers[PYAGRUM] = _pyagrum(model.network)
    except ImportError as error:
        return askers, (f"pyAgrum was not asked, for it is not installed ({error}); `make setup` installs it.",)
    return askers, ()


def _of_engine(engine: Engine, network: Network) -> Asker:
    def ask(cases: Sequence[Evidence]) -> list[Said | None]:
        answers = [engine.query(network, case, TARGETS) for case in cases]
        return [Said(a.posteriors[0].probs, a.posteriors[1].probs, a.log_evidence) for a in answers]

    return ask


def _batch(model: Model) -> Asker:
    def ask(cases: Sequence[Evidence]) -> list[Said | None]:
        found = batch_posterior(model.batch_tables, batch_of(model.network, cases))
        for error in found.impossible.values():
            raise error
        rows = zip(*(found.posteriors[name] for name in TARGETS), found.log_evidence.tolist(), strict=True)
        return [Said(*row) for row in rows]

    return ask


def _drawn(model: Model) -> Asker:
    """Return the code that answers under draws of the numbers, asked under one draw: the stated numbers."""
    stated = StatedParameters(model.priors)

    def ask(cases: Sequence[Evidence]) -> list[Said | None]:
        answers = [drawn_posteriors(model.network, stated, case, TARGETS) for case in cases]
        return [
            Said(a.posteriors[0].probs[:, 0], a.posteriors[1].probs[:, 0], float(a.log_evidence[0])) for a in answers
        ]

    return ask


def _pgmpy(network: Network) -> Asker:
    """Return pgmpy's VariableElimination, one joint query a case, on cases without unsure reports."""
    inference = inference_of(network)
    states = {name: network.node(name).states for name in TARGETS}

    def marginal(joint: Table, axes: Sequence[str], names: Mapping[str, Sequence[str]], name: str) -> Table:
        axis = axes.index(name)
        probs = np.moveaxis(joint, axis, 0).reshape(joint.shape[axis], -1).sum(axis=1)
        own: Table = probs[[list(names[name]).index(state) for state in states[name]]]
        return own

    def one(case: Evidence) -> Said | None:
        if case.unsure:
            return None
        with np.errstate(all="ignore"):  # impossible evidence is divided by zero
            joint = inference.query(list(TARGETS), evidence=dict(case.observed), show_progress=False)
        cause, complication = (marginal(joint.values, joint.variables, joint.state_names, name) for name in TARGETS)
        return Said(cause, complication, None)

    return lambda cases: [one(case) for case in cases]


def _pyagrum(network: Network) -> Asker:
    """Return pyAgrum's LazyPropagation; raise ImportError where pyAgrum is not installed."""
    import pyagrum

    from validation.rivals import pyagrum_network

    engine = pyagrum.LazyPropagation(pyagrum_network(network))
    engine.setTargets(set(TARGETS))

    def one(case: Evidence) -> Said | None:
        given: dict[str, str | list[float]] = dict(case.observed)
        engine.setEvidence(given | {name: likelihood_vector(ratio).tolist() for name, ratio in case.unsure})
        try:
            engine.makeInference()
            cause, complication = (engine.posterior(name).toarray() for name in TARGETS)
        except pyagrum.IncompatibleEvidence:
            raise ImpossibleEvidence(()) from None  # pyAgrum does not say which findings
        return Said(cause, complication, math.log(engine.evidenceProbability()))

    return lambda cases: [one(case) for case in cases]
