"""Read the CSV tables: one row a number, each checked by itself.

Not here: whether all numbers are there and sum as they must (`priors/checks.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from priors.errors import Problem, unreadable
from priors.records import (
    CAUSE,
    DEPENDENCE,
    KINDS,
    ODDS_MULTIPLIER,
    PARAMETERS,
    PROBABILITY,
    THRESHOLD,
    Estimate,
    Key,
    Row,
    Source,
    Study,
)
from priors.text import plain_number, suggestion
from priors.uncertainty import STRENGTH_MAXIMUM, beta_of

COLUMNS = (
    *("parameter", "node", "state", "given", "causes", "value", "low", "high"),
    *("events", "total", "kind", "population", "source", "note"),
)
STUDY_COLUMNS = ("node", "state", "given", "causes", "source", "events", "total", "population")


class _Reader:
    """One row of a table, read column by column; every fault is noted with its place."""

    def __init__(self, file: str, row: int, cells: Mapping[str, str], problems: list[Problem]) -> None:
        self.file, self.row, self.cells, self.problems = file, row, cells, problems

    def fault(self, field: str, message: str) -> None:
        self.problems.append(Problem(self.file, self.row, field, message))

    def text(self, field: str, required: bool = True) -> str:
        text = self.cells[field].strip()
        if required and not text:
            self.fault(field, "empty; every number needs one")
        return text

    def choice(self, field: str, allowed: Sequence[str]) -> str:
        text = self.text(field)
        if text and text not in allowed:
            self.fault(field, f"unknown: {text!r}{suggestion(text, allowed)}")
        return text

    def number(self, field: str) -> float | None:
        text = self.text(field, required=False)
        if not text:
            return None
        number = plain_number(text)
        if number is None:
            self.fault(field, f"expected a number, found {text!r}")
        return number

    def count(self, field: str) -> int | None:
        number = self.number(field)
        if number is None:
            return None
        if number < 0 or number != int(number):
            self.fault(field, f"expected a count, found {self.cells[field]!r}")
            return None
        return int(number)


def _causes_of(reader: _Reader, key: Key, names: Sequence[str], overlay: bool) -> tuple[str, ...]:
    """Return the causes a row names; `others` stays as it is until all rows are known."""
    text = reader.text("causes", required=False)
    if not key.per_cause:
        if text:
            own = "a prevalence names its cause in `state`" if key.node == CAUSE else "a threshold holds by itself"
            reader.fault("causes", f"expected nothing: {own}")
        return ()
    if text == "all":
        return tuple(names)
    if text == "others":
        if overlay:
            reader.fault("causes", "`others` has no meaning in a profile: name the causes, separated by ;")
            return ()
        return ("others",)
    causes = tuple(part.strip() for part in text.split(";") if part.strip())
    if not causes:
        reader.fault("causes", "empty; expected causes separated by ;, `all` or `others`")
    for cause in causes:
        if cause not in names:
            reader.fault("causes", f"unknown cause {cause!r}{suggestion(cause, names)}")
    return causes


def _check_range(reader: _Reader, parameter: str, field: str, number: float | None) -> None:
    if number is None:
        return
    if parameter in (PROBABILITY, THRESHOLD) and not 0 < number < 1:
        reader.fault(field, f"expected a probability above 0 and below 1, found {number:g}")
    if parameter == ODDS_MULTIPLIER and number <= 0:
        reader.fault(field, f"expected an odds multiplier above 0, found {number:g}")
    if parameter == DEPENDENCE and not 0 <= number <= STRENGTH_MAXIMUM:
        reader.fault(field, f"expected a strength from 0 to {STRENGTH_MAXIMUM}, found {number:g}")


def _check_counts(reader: _Reader, value: float, events: int, total: int) -> None:
    if not 0 < total >= events:
        reader.fault("events", f"expected counts with 0 <= events <= total, found {events} of {total}")
        return
    # half a standard error from the plain share is inside the band of any count; scipy, slow to import, does the rest
    if (value * total - events) ** 2 * total <= 0.25 * events * (total - events):
        return
    low, high = beta_of(events, total).interval()
    if not low <= value <= high:
        reader.fault("value", f"{value:g} lies outside {low:.4g} to {high:.4g}, the band of {events} of {total}")


def _check_pair(reader: _Reader, first: str, second: str) -> None:
    """Note a cell that is empty while its partner is not."""
    filled = {field: bool(reader.text(field, required=False)) for field in (first, second)}
    if filled[first] != filled[second]:
        empty = second if filled[first] else first
        reader.fault(empty, f"empty; expected both {first} and {second}, or neither")


def _estimate(reader: _Reader, parameter: str, sources: Mapping[str, Source]) -> Estimate | None:
    value = reader.number("value")
    if value is None and not reader.text("value", required=False):
        reader.fault("value", "empty; expected a number")
    low, high = reader.number("low"), reader.number("high")
    events, total = reader.count("events"), reader.count("total")
    for field, number in (("value", value), ("low", low), ("high", high)):
        _check_range(reader, parameter, field, number)
    _check_pair(reader, "low", "high")
    _check_pair(reader, "events", "total")
    if not any(reader.text(field, required=False) for field in ("low", "high", "events", "total")):
        reader.fault("low", "expected an interval (low and high) or counts (events and total)")
    if value is not None and events is not None and total is not None:
        _check_counts(reader, value, events, total)
    if value is not None and low is not None and high is not None:
        if not low <= value <= high:
            reader.fault("value", f"{value:g} lies outside its interval {low:g} to {high:g}")
        elif low == high:
            reader.fault("high", "expected an interval, found a point: no number is certain")
    kind = reader.choice("kind", KINDS)
    keys = tuple(part.strip() for part in reader.text("source").split(";") if part.strip())
    for source in keys:
        if source not in sources:
            reader.fault("source", f"{source!r} is not in references.bib{suggestion(source, sources)}")
        elif kind in ("measured", "pooled") and not sources[source].read:
            reader.fault("source", f"{source} has no `read` field: a {kind} number needs a source that was read")
    population, note = reader.text("population"), reader.text("note")
    if value is None:
        return None
    return Estimate(value, low, high, events, total, kind, population, keys, note)


def _records(path: Path, name: str, columns: Sequence[str], problems: list[Problem]) -> list[_Reader]:
    """Read a CSV file with exactly these columns; rows that are blank or of another length are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            records = list(csv.reader(handle, strict=True))
    except OSError as error:
        problems.append(Problem(name, None, "", unreadable(error)))
        return []
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(name, None, "", f"not a readable CSV file in UTF-8: {error}"))
        return []
    if not records or tuple(cell.strip() for cell in records[0]) != columns:
        expected = ",".join(columns)
        problems.append(Problem(name, 1, "header", f"expected the columns {expected}, separated by commas"))
        return []
    readers = []
    for number, cells in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            problems.append(Problem(name, number, "", f"expected {len(columns)} cells, found {len(cells)}"))
            continue
        readers.append(_Reader(name, number, dict(zip(columns, cells, strict=True)), problems))
    return readers


def _key(reader: _Reader, parameter: str) -> Key:
    return Key(parameter, reader.text("node"), reader.text("state"), reader.text("given", required=False))


def read_table(
    path: Path,
    name: str,
    causes: Sequence[str],
    sources: Mapping[str, Source],
    problems: list[Problem],
    overlay: bool = False,
) -> list[Row]:
    """Read one CSV table.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Its name for messages.
    causes : sequence of str
        Names of the causes.
    sources : mapping of str to Source
        Sources that rows may cite.
    problems : list of Problem
        Faults are added here.
    overlay : bool
        Whether the file is a profile, where `others` is refused.

    Returns
    -------
    list of Row
        Rows without a fault, in file order.
    """
    rows = []
    for reader in _records(path, name, COLUMNS, problems):
        faults = len(problems)
        parameter = reader.choice("parameter", PARAMETERS)
        key = _key(reader, parameter)
        named = _causes_of(reader, key, causes, overlay)
        estimate = _estimate(reader, parameter, sources)
        if estimate is not None and len(problems) == faults:
            rows.append(Row(key, named, estimate, name, reader.row))
    return rows


def read_studies(
    path: Path, causes: Sequence[str], sources: Mapping[str, Source], problems: list[Problem]
) -> list[Study]:
    """Read studies.csv: the counts behind each pooled number.

    Parameters
    ----------
    path : Path
        The file.
    causes : sequence of str
        Names of the causes.
    sources : mapping of str to Source
        Sources that rows may cite.
    problems : list of Problem
        Faults are added here.

    Returns
    -------
    list of Study
        Rows without a fault, in file order.
    """
    studies = []
    for reader in _records(path, path.name, STUDY_COLUMNS, problems):
        faults = len(problems)
        key = _key(reader, PROBABILITY)
        named = _causes_of(reader, key, causes, overlay=False)
        source = reader.text("source")
        if source and source not in sources:
            reader.fault("source", f"{source!r} is not in references.bib{suggestion(source, sources)}")
        elif source and not sources[source].read:
            reader.fault("source", f"{source} has no `read` field: a pooled study needs a source that was read")
        events, total = reader.count("events"), reader.count("total")
        population = reader.text("population")
        if events is None or total is None or not 0 < total >= events:
            reader.fault("events", "expected counts with 0 <= events <= total")
        elif len(problems) == faults:
            studies.append(Study(key, named, source, events, total, population, reader.row))
    return studies
