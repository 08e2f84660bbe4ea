"""The engines by name.

Not here: what an engine is (`model/engine.py`).
"""

from __future__ import annotations

from model.elimination import EliminationEngine
from model.engine import Engine
from model.errors import UnknownName

ENGINES = ("elimination", "pgmpy")


def engine_named(name: str) -> Engine:
    """Return an engine by name; pgmpy is imported only where it is asked for.

    Raises
    ------
    UnknownName
        Where there is no such engine.
    """
    if name == "elimination":
        return EliminationEngine()
    if name == "pgmpy":
        from model.pgmpy_bridge import PgmpyEngine

        return PgmpyEngine()
    raise UnknownName("engine", name, ENGINES)
