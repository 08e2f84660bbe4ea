"""Files of cases as Parquet.

Not here: what the cells mean (`model/caserows.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from model.casefile import CARRIED
from model.caserows import CONTEXT_COLUMNS, TableRows, is_text, known_columns
from model.errors import BadCase
from priors.shapes import Structure
from priors.text import brief

PANDAS_INDEX = "__index_level_"  # how pandas names the column of a data frame's row labels


def count_rows(path: Path) -> int | None:
    """Return how many rows a Parquet file says it has; None where it cannot be read."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return None  # reading it will say why


def read_parquet(
    handle: IO[bytes], path: Path, structure: Structure, ignore_unknown: bool, size: int
) -> Iterator[TableRows]:
    """Read the rows of a Parquet file, `size` at a time; raise BadCase where it is none or has a wrong column."""
    try:
        file = pq.ParquetFile(handle, pre_buffer=False, page_checksum_verification=True)
        columns = [name for name in file.schema_arrow.names if not name.startswith(PANDAS_INDEX)]
        if not columns:
            raise BadCase(f"{path}: no columns; expected {', '.join(CONTEXT_COLUMNS)} and findings")
        known = known_columns(columns, path, structure, ignore_unknown)
        read = [name for name in columns if name not in CARRIED]
        for name in read:
            kind = file.schema_arrow.field(name).type
            if name in known and not _is_plain(kind):
                raise BadCase(f"{path}: the column {name} holds {brief(str(kind))}; expected texts or numbers")
        done = 0
        for batch in file.iter_batches(size, use_threads=False):
            cells, errors = _plain_cells(batch.select(read or columns[:1]))
            yield TableRows(cells, range(done + 1, done + 1 + batch.num_rows), known, errors)
            done += batch.num_rows
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise BadCase(f"{path} is not a readable Parquet file: {one_line(error)}") from None


def _plain_cells(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[int, str]]:
    """Return rows as texts and numbers alone, and which rows hold a text that is no UTF-8, as a Parquet file can."""
    columns, errors = list(batch.columns), dict[int, str]()
    for number, column in enumerate(columns):
        if not _is_plain(column.type):  # passed over on request: only whether a cell is filled counts
            filled = column.is_valid().to_pylist()
            columns[number] = pa.array([str(column.type) if cell else None for cell in filled], pa.string())
        elif is_text(column.type):
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                spelt = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
                raw = spelt.cast(pa.large_binary()).to_pylist()
                wrong = {position for position, cell in enumerate(raw) if cell is not None and not _is_utf8(cell)}
                errors |= dict.fromkeys(wrong, "not a text in UTF-8")
                texts = [None if position in wrong else cell for position, cell in enumerate(raw)]
                columns[number] = pa.array(texts, pa.large_binary()).cast(pa.large_string())
    return pa.RecordBatch.from_arrays(columns, batch.schema.names), errors


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_plain(kind: pa.DataType) -> bool:
    """Say whether a column of a type holds texts, numbers, true and false, or nothing."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(number or is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)) or kind == pa.uuid()


def one_line(error: Exception) -> str:
    """Return an error's message in one line."""
    return " ".join(str(error).split())
