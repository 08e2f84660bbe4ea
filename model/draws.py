"""Draws of every number of the priors: seeded, in replicates, kept as parameters and not as tables.

Not here: the distribution of a single number (`priors/uncertainty.py`), of the prevalences
(`model/prevalences.py`), posteriors under the draws (`model/drawn.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model.cache import cached_arrays
from model.compiled import Rows
from model.errors import ModelError
from model.network import Table
from model.parameters import share_keys, solve_offsets
from priors import PriorSet
from priors.prevalences import leading_distribution, share_centres, share_spread, shares_at
from priors.records import CAUSE, CONTEXT_NODES, PROBABILITY, THRESHOLD, Key, Row
from priors.shapes import Finding, Structure
from priors.uncertainty import uncertainty

DRAWS_VERSION = 2  # raise when code changes what the same seed draws
PLAIN, LATIN, SOBOL = "plain", "latin", "sobol"
METHODS = (LATIN, SOBOL, PLAIN)
EDGE = 1e-9  # no uniform deviate is nearer to 0 or 1; six standard deviations
CENTRE_POINTS = 1 << 14
INSIDE = 1e-15  # no drawn probability is nearer to 0 or 1


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """How numbers are drawn.

    Parameters
    ----------
    size : int
        Number of draws.
    seed : int
        Same seed, same draws.
    method : str
        One of `METHODS`: Latin hypercube, scrambled Sobol points, or plain pseudo-random numbers.
    replicates : int
        Independent parts of equal size, from whose spread the Monte Carlo error is told.
    """

    size: int = 1024
    seed: int = 20_261_122
    method: str = LATIN
    replicates: int = 8

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ModelError(f"unknown method of drawing {self.method!r}; expected one of {', '.join(METHODS)}")
        if self.replicates < 2 or self.size % self.replicates or self.size < 2 * self.replicates:
            raise ModelError(
                f"expected a number of draws that {max(self.replicates, 2)} replicates share evenly, found {self.size}"
            )
        if self.method == SOBOL and self.per_replicate & (self.per_replicate - 1):
            raise ModelError(f"Sobol points come in powers of two; found {self.per_replicate} draws in a replicate")
        if self.seed < 0:
            raise ModelError(f"expected a seed of 0 or more, found {self.seed}")

    @property
    def per_replicate(self) -> int:
        """Draws in one replicate."""
        return self.size // self.replicates


@dataclass(frozen=True, slots=True, eq=False)
class DrawnParameters:
    """Draws of every number; see `model.parameters.Parameters`.

    Parameters
    ----------
    structure : Structure
        Nodes and their dependence.
    settings : DrawSettings
        How they were drawn.
    digest : str
        Of the model whose numbers these are draws of.
    places : mapping of Key to ndarray of int, shape (causes,)
        The row of `values` for each cause.
    values : ndarray, shape (rows, draws)
        One row for each number that a row of the priors states.
    arrays : mapping of str to ndarray
        Prevalences, shares and offsets, ready to use, by node.
    """

    structure: Structure
    settings: DrawSettings
    digest: str
    places: Mapping[Key, Rows]
    values: Table
    arrays: Mapping[str, Table]

    def per_cause(self, key: Key) -> Table:
        """Return the draws of a parameter, shape (causes, draws)."""
        return self.values[self.places[key]]

    def prevalences(self) -> Table:
        """Return draws of P(cause), shape (causes, draws)."""
        return self.arrays[CAUSE]

    def shares(self, node: str) -> Table:
        """Return draws of P(state | cause), shape (causes, states, draws)."""
        return self.arrays[node]

    def offsets(self, finding: Finding) -> Table:
        """Return draws of a finding's log odds in the reference band of age, shape (causes, givens, draws)."""
        return self.arrays[_offset(finding.name)]

    def one(self, draw: int) -> DrawnParameters:
        """Return a single draw, as parameters of its own."""
        arrays = {name: array[..., draw : draw + 1] for name, array in self.arrays.items()}
        return replace(self, values=self.values[:, draw : draw + 1], arrays=arrays)

    @property
    def nbytes(self) -> int:
        """Bytes that the draws take."""
        return self.values.nbytes + sum(array.nbytes for array in self.arrays.values())


def draw_parameters(
    priors: PriorSet, digest: str, settings: DrawSettings | None = None, folder: Path | None = None
) -> DrawnParameters:
    """Draw every number of a set of priors.

    Parameters
    ----------
    priors : PriorSet
        Whose numbers.
    digest : str
        Of the model built from them (`Model.digest`).
    settings : DrawSettings, optional
        1,024 draws in 8 replicates unless given.
    folder : Path, optional
        Where draws are kept between runs; nowhere unless given.

    Returns
    -------
    DrawnParameters
        A number that several causes share is one draw for them all.

    Raises
    ------
    ValueError
        Where prevalences cannot be drawn as stated (`priors.prevalences`); the loader refuses nearly all of these.
    """
    settings = settings or DrawSettings()
    rows = [row for row in priors.rows if row.key.parameter != THRESHOLD]
    rows.sort(key=lambda row: (row.key.node != CAUSE, str(row.key), row.causes))  # whatever their order in the files
    order = [(str(row.key), row.causes) for row in rows]  # kept rows are told apart by their place alone
    text = f"{DRAWS_VERSION}:{digest}:{settings}:{order}"
    kept = hashlib.sha256(text.encode()).hexdigest()
    arrays = cached_arrays(
        "draws", kept, lambda: _draw(priors, rows, settings), lambda found: _fits(priors, rows, settings, found), folder
    )
    return _assemble(priors, digest, rows, settings, arrays)


def _fits(priors: PriorSet, rows: list[Row], settings: DrawSettings, arrays: Mapping[str, Table]) -> bool:
    structure = priors.structure
    with_age = [_offset(finding.name) for finding in structure.findings.values() if finding.age]
    expected = {_VALUES, CAUSE, *CONTEXT_NODES, *structure.syndromes, *with_age}
    if arrays.keys() != expected or arrays[_VALUES].shape != (len(rows), settings.size):
        return False
    causes = len(structure.causes)
    others = [array for name, array in arrays.items() if name != _VALUES]
    return all((array.shape[0], array.shape[-1]) == (causes, settings.size) for array in others)


def _assemble(
    priors: PriorSet, digest: str, rows: list[Row], settings: DrawSettings, arrays: Mapping[str, Table]
) -> DrawnParameters:
    number = {id(row): index for index, row in enumerate(rows)}
    keys = {key for key, cause in priors.cells if cause and key.parameter != THRESHOLD}
    places = {
        key: np.array([number[id(priors.cells[key, cause])] for cause in priors.structure.cause_names]) for key in keys
    }
    rest = {name: array for name, array in arrays.items() if name != _VALUES}
    for array in arrays.values():
        array.flags.writeable = False
    return DrawnParameters(priors.structure, settings, digest, places, arrays[_VALUES], rest)


_VALUES = "values"


def _offset(finding: str) -> str:
    return f"offset:{finding}"


def uniforms(dimensions: int, settings: DrawSettings) -> Table:
    """Return uniform deviates, replicate after replicate; shape (dimensions, draws), strictly between 0 and 1."""
    from scipy.stats import qmc  # slow to import, and draws are kept

    parts = []
    for seed in np.random.SeedSequence(settings.seed).spawn(settings.replicates):
        rng = np.random.default_rng(seed)
        if settings.method == SOBOL:
            points = qmc.Sobol(dimensions, scramble=True, rng=rng).random(settings.per_replicate)
        elif settings.method == LATIN:
            points = qmc.LatinHypercube(dimensions, rng=rng).random(settings.per_replicate)
        else:
            points = rng.random((settings.per_replicate, dimensions))
        parts.append(points.T)
    deviates: Table = np.clip(np.concatenate(parts, axis=1), EDGE, 1 - EDGE)
    return deviates


def _draw(priors: PriorSet, rows: list[Row], settings: DrawSettings) -> Mapping[str, Table]:
    from scipy.special import ndtri

    structure = priors.structure
    deviates = uniforms(len(rows), settings)
    values = np.empty_like(deviates)
    for index, row in enumerate(rows):
        drawn = uncertainty(row).quantile(deviates[index])
        values[index] = np.clip(drawn, INSIDE, 1 - INSIDE) if row.key.parameter == PROBABILITY else drawn
    number = {id(row): index for index, row in enumerate(rows)}
    leading = [number[id(priors.cells[Key(PROBABILITY, CAUSE, cause), ""])] for cause in structure.cause_names]
    arrays: dict[str, Table] = {_VALUES: values, CAUSE: _prevalences(priors, ndtri(deviates[leading]), settings)}
    unsolved = _assemble(priors, "", rows, settings, arrays)
    for node in (*CONTEXT_NODES, *structure.syndromes):
        arrays[node] = _shares(priors, unsolved, node)
    solvable = _assemble(priors, "", rows, settings, arrays)
    for finding in structure.findings.values():
        if finding.age:
            arrays[_offset(finding.name)] = solve_offsets(solvable, finding)
    return arrays


def _prevalences(priors: PriorSet, z: Table, settings: DrawSettings) -> Table:
    """Return draws of P(cause): the leading cause, and the others sharing the rest; z has shape (causes, draws)."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    numbers = [priors.cells[Key(PROBABILITY, CAUSE, cause), ""].estimate for cause in priors.structure.cause_names]
    values = np.array([number.value for number in numbers])
    first = int(np.argmax(values))
    others = np.delete(np.arange(len(values)), first)
    leading = leading_distribution(numbers[first]).probability(z[first])
    spreads = np.array([share_spread(numbers[index]) for index in others])
    points = qmc.Sobol(len(others), scramble=True, rng=settings.seed).random(CENTRE_POINTS).T
    centres = share_centres(values[others] / values[others].sum(), spreads, ndtri(np.clip(points, EDGE, 1 - EDGE)))
    drawn = np.empty_like(z)
    drawn[first] = leading
    drawn[others] = (1 - leading) * shares_at(centres, spreads, z[others])
    return drawn


def _shares(priors: PriorSet, drawn: DrawnParameters, node: str) -> Table:
    """Return draws of the shares of a node's states, shape (causes, states, draws), summing to one.

    Each stated share is multiplied by the factor that its own draw puts on its odds. Of two stated shares, which
    are one number, the first is drawn and the second is the rest.
    """
    keys = share_keys(priors.structure, node)
    stated = np.stack([np.array(priors.numbers(key)) for key in keys], axis=1)
    values = np.stack([drawn.per_cause(key) for key in keys], axis=1)
    if node in CONTEXT_NODES and len(keys) == 2:
        stated, values = stated[:, :1], values[:, :1]
    weights = (1 - stated)[..., None] * values / (1 - values)
    rest = 1 - stated.sum(axis=1)
    if node not in CONTEXT_NODES or len(keys) == 2:
        weights = np.concatenate([weights, np.broadcast_to(rest[:, None, None], weights[:, :1].shape)], axis=1)
    shares: Table = weights / weights.sum(axis=1, keepdims=True)
    return shares
