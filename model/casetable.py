"""Read files of many cases in chunks of rows, by their ending: JSONL, CSV and Parquet.

Not here: the formats (`model/casetext.py`, `model/caseparquet.py`), what is computed (`model/score.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from model import caseparquet
from model.caseparquet import one_line, read_parquet
from model.caserows import Chunk
from model.casetext import read_csv, read_jsonl
from model.errors import BadCase
from priors.shapes import Structure

ENDINGS = (".jsonl", ".csv", ".parquet")
ENDINGS_TOLD = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
CHUNK_ROWS = 4096


def read_chunks(path: Path, structure: Structure, ignore_unknown: bool, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """Read a file of cases, some rows at a time.

    Parameters
    ----------
    path : Path
        Its ending says which format.
    structure : Structure
        The vocabulary: a table has a column for each finding it assesses.
    ignore_unknown : bool
        Pass over unknown columns instead of refusing the file.
    size : int
        Rows at a time.

    Yields
    ------
    tuple of Record, or TableRows
        In file order; a row that cannot be read carries its error.

    Raises
    ------
    BadCase
        Where the file as a whole cannot be read: missing, another format, an unknown column.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BadCase(f"{path}: expected a file ending in {ENDINGS_TOLD}")
    try:
        handle = path.open("rb")
    except OSError as error:
        raise BadCase(f"cannot read {path}: {error.strerror or error}") from None
    with handle:
        try:
            if ending == ".jsonl":
                records = read_jsonl(handle)
                yield from iter(lambda: tuple(islice(records, size)), ())
            elif ending == ".csv":
                yield from read_csv(handle, path, structure, ignore_unknown, size)
            else:
                yield from read_parquet(handle, path, structure, ignore_unknown, size)
        except OSError as error:  # else the writer of the results would take it for its own
            raise BadCase(f"cannot read {path}: {error.strerror or one_line(error)}") from None


def count_rows(path: Path) -> int | None:
    """Return how many rows a file has where that is known without reading it: in Parquet."""
    return caseparquet.count_rows(path) if path.suffix.lower() == ".parquet" else None
