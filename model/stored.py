"""Compiled tables kept between runs, by what is in the network.

Not here: the files (`model/cache.py`), compiling (`model/compiled.py`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from model.cache import Arrays, cached_arrays
from model.compiled import Compiled, compile_network, table_shapes
from model.hub import find_hub
from model.network import Network
from model.targets import targets_of

COMPILER_VERSION = 1  # raise when the same network gives other tables


def content_digest(network: Network) -> str:
    """Return a SHA-256 of all that can change an answer: names, states, parents and tables."""
    found = hashlib.sha256(f"{COMPILER_VERSION}".encode())
    for cpd in network.cpds:
        node = network.by_name[cpd.node]
        found.update(repr((node.name, node.states, node.kind, cpd.parents)).encode())
        found.update(np.ascontiguousarray(cpd.table).tobytes())
    return found.hexdigest()


def compile_stored(network: Network, folder: Path | None) -> Compiled:
    """Return a network's tables for its cause and complication, read from a folder where they are kept.

    Parameters
    ----------
    network : Network
        Any checked network.
    folder : Path or None
        See `model.cache.cache_folder`.

    Returns
    -------
    Compiled
        The same whether they were read or made.

    Raises
    ------
    NoSmallHub
        Where the network cannot be compiled.
    """
    targets = targets_of(network)
    hub = find_hub(network, targets)

    def made() -> Arrays:
        compiled = compile_network(network, targets)
        return {"prior": compiled.prior, "table": compiled.table}

    def fits(arrays: Arrays) -> bool:
        shapes = dict(zip(("prior", "table"), table_shapes(network, hub), strict=True))
        return {name: array.shape for name, array in arrays.items()} == shapes

    arrays = cached_arrays("tables", content_digest(network), made, fits, folder)
    return Compiled(network, hub, arrays["prior"], arrays["table"])
