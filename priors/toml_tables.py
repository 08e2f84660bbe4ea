"""Read TOML files entry by entry, noting what is missing, of the wrong type, or left over.

Not here: what the entries mean (`priors/structure.py`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from priors.errors import PriorsError, Problem, unreadable

_REQUIRED = object()


class TomlTable:
    """A TOML table that hands out its entries by type and notes what is missing, wrong or left over."""

    def __init__(self, file: str, path: str, data: Any, problems: list[Problem]) -> None:
        self.file, self.path, self.problems = file, path, problems
        self.data = dict(data) if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.fault("", f"expected a table, found {data!r}")

    def fault(self, field: str, message: str) -> None:
        """Note a fault at a field of this table."""
        self.problems.append(Problem(self.file, None, ".".join(p for p in (self.path, field) if p), message))

    def take(self, field: str, kind: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
        """Take an entry out; where it is missing or of the wrong type, note it and return an empty one."""
        value = self.data.pop(field, default)
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if value is _REQUIRED:
            self.fault(field, f"missing; expected {wanted[0].__name__}")
            return wanted[0]()
        if value is not default and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
            self.fault(field, f"expected {wanted[0].__name__}, found {value!r}")
            return wanted[0]()
        return value

    def tables(self, field: str) -> dict[str, TomlTable]:
        """Take an entry whose values are tables themselves."""
        found = self.take(field, dict, {})
        return {name: TomlTable(self.file, f"{field}.{name}", data, self.problems) for name, data in found.items()}

    def strings(self, field: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        """Take a list of strings."""
        values = self.take(field, list, default)
        if not all(isinstance(value, str) for value in values):
            self.fault(field, f"expected a list of strings, found {values!r}")
            return ()
        return tuple(values)

    def done(self) -> None:
        """Note every entry that nobody took."""
        for field in self.data:
            self.fault(field, "unknown key; see priors/README.md")


def open_toml(folder: Path, file: str, problems: list[Problem]) -> TomlTable:
    """Open a TOML file; raise PriorsError where it cannot be read at all."""
    try:
        data = tomllib.loads((folder / file).read_text(encoding="utf-8"))
    except OSError as error:
        raise PriorsError([Problem(file, None, "", f"{unreadable(error)} in {folder}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriorsError([Problem(file, None, "", f"not valid TOML: {error}")]) from None
    return TomlTable(file, "", data, problems)
