"""Factors: logarithms over the states of some nodes, multiplied and summed out; the core of exact inference.

Pure functions, in log space, so that nothing underflows. Axes beyond a factor's scope are parameter draws, carried
along. Not here: which factors a question needs (`model/elimination.py`, `model/drawn.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model.network import Table


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """Logarithms over the states of some nodes.

    Parameters
    ----------
    scope : tuple of str
        Nodes, one axis each.
    logs : ndarray, shape (*states of the scope, *draws)
        -inf where a combination is impossible; `draws` is one axis or none, the same for all factors at hand.
    """

    scope: tuple[str, ...]
    logs: Table


def log(table: Table) -> Table:
    """Return natural logarithms; a logical zero becomes -inf."""
    with np.errstate(divide="ignore"):
        logs: Table = np.log(table)
    return logs


def log_sum_exp(logs: Table, axis: int | tuple[int, ...]) -> Table:
    """Return ln of the sum of exp(logs) along axes; -inf where all are -inf.

    Examples
    --------
    >>> float(np.exp(log_sum_exp(np.log([0.1, 0.3]), axis=0)).round(12))
    0.4
    """
    top = np.max(logs, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = log(np.exp(logs - top).sum(axis=axis, keepdims=True))
    sums: Table = np.squeeze(top + total, axis)
    return sums


def restrict(factor: Factor, observed: Mapping[str, int]) -> Factor:
    """Return the slice of a factor at the observed states; those nodes leave its scope."""
    index = tuple(observed.get(name, slice(None)) for name in factor.scope)
    return Factor(tuple(name for name in factor.scope if name not in observed), factor.logs[index])


def aligned(factor: Factor, scope: Sequence[str]) -> Table:
    """Return a factor's array with its axes in the order of a larger scope, of length one where it has none."""
    order = sorted(range(len(factor.scope)), key=lambda axis: scope.index(factor.scope[axis]))
    draws = range(len(factor.scope), factor.logs.ndim)
    turned = factor.logs.transpose([*order, *draws])
    sizes = iter(turned.shape)
    shape = [next(sizes) if name in factor.scope else 1 for name in scope]
    return turned.reshape((*shape, *sizes))


def product(factors: Sequence[Factor], keep: Sequence[str] = ()) -> Factor:
    """Return the product of factors; the nodes to keep come first in its scope.

    Parameters
    ----------
    factors : sequence of Factor
        At least one, unless nothing is kept.
    keep : sequence of str
        Nodes that lead the scope, in this order, even where no factor has them.

    Returns
    -------
    Factor
        Its array is of length one along kept nodes that no factor has.
    """
    scope = tuple(dict.fromkeys((*keep, *(name for factor in factors for name in factor.scope))))
    total: Table = np.zeros((1,) * len(scope))
    if factors:
        total = aligned(factors[0], scope)
    for factor in factors[1:]:
        total = total + aligned(factor, scope)
    return Factor(scope, total)


def sum_out(factor: Factor, name: str) -> Factor:
    """Return a factor with one node summed out."""
    axis = factor.scope.index(name)
    return Factor(factor.scope[:axis] + factor.scope[axis + 1 :], log_sum_exp(factor.logs, axis))


def eliminate(factors: Iterable[Factor], hidden: Iterable[str], sizes: Mapping[str, int]) -> list[Factor]:
    """Sum nodes out of a product of factors, one node at a time.

    Parameters
    ----------
    factors : iterable of Factor
        The product.
    hidden : iterable of str
        Nodes to sum out.
    sizes : mapping of str to int
        Number of states of each node.

    Returns
    -------
    list of Factor
        Their product has no hidden node left (Koller and Friedman 2009, algorithm 9.1).
    """
    left, waiting = list(factors), set(hidden)
    while waiting:
        name = _cheapest(left, waiting, sizes)
        touching = [factor for factor in left if name in factor.scope]
        left = [factor for factor in left if name not in factor.scope]
        if touching:
            left.append(sum_out(product(touching), name))
        waiting.discard(name)
    return left


def _cheapest(factors: Sequence[Factor], hidden: set[str], sizes: Mapping[str, int]) -> str:
    """Return the hidden node whose elimination makes the smallest table; ties by name, so that runs repeat."""

    def cost(name: str) -> int:
        scope = {other for factor in factors if name in factor.scope for other in factor.scope}
        return math.prod(sizes[other] for other in scope)

    return min(sorted(hidden), key=cost)
