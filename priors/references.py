"""Read a BibTeX file: every source once.

Not here: whether a number may cite a source (`priors/tables.py`).
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from bibtexparser.entrypoint import parse_string

from priors.errors import PriorsError, Problem, unreadable
from priors.records import Source


def read_references(path: Path) -> dict[str, Source]:
    """Read the sources of a BibTeX file, by key.

    Raises
    ------
    PriorsError
        Where the file is missing, an entry does not parse, a key stands twice, or title or year is missing.
    """
    try:
        library = parse_string(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PriorsError([Problem(path.name, None, "", unreadable(error))]) from None
    except UnicodeDecodeError as error:
        raise PriorsError([Problem(path.name, None, "", f"not UTF-8: {error}")]) from None
    problems = [
        Problem(path.name, (block.start_line or 0) + 1, "", f"this entry cannot be read: {block.error}")
        for block in library.failed_blocks
    ]
    sources = {}
    for entry in library.entries:
        fields = {name: field.value for name, field in entry.fields_dict.items()}
        problems += [
            Problem(path.name, (entry.start_line or 0) + 1, name, f"missing in {entry.key}")
            for name in ("author", "title", "year")
            if not fields.get(name)
        ]
        sources[entry.key] = Source(entry.key, entry.entry_type, MappingProxyType(fields))
    if problems:
        raise PriorsError(problems)
    return sources
