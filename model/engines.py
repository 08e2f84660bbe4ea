"""The engines by name.

Not here: what an engine is (`model/engine.py`).
"""

from __future__ import annotations

from model.cache import cache_folder
from model.compiled_engine import CompiledEngine
from model.elimination import EliminationEngine
from model.engine import Engine
from model.errors import UnknownName
from model.stored import compile_stored

DEFAULT_ENGINE = "compiled"
ENGINES = (DEFAULT_ENGINE, "elimination", "pgmpy")


def engine_named(name: str) -> Engine:
    """Return an engine by name; pgmpy is imported only where it is asked for.

    Raises
    ------
    UnknownName
        Where there is no such engine.
    """
    if name == DEFAULT_ENGINE:
        return CompiledEngine(lambda network: compile_stored(network, cache_folder()))
    if name == "elimination":
        return EliminationEngine()
    if name == "pgmpy":
        from model.pgmpy_bridge import PgmpyEngine

        return PgmpyEngine()
    raise UnknownName("engine", name, ENGINES)
