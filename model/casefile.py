"""Read a case file and check every word of it.

The format is the same everywhere (README, "Case files"). Not here: what is known after each step (`model/case.py`).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import MappingProxyType
from typing import Any

from model.case import Case, Status, Step
from model.errors import BadCase
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX
from priors.shapes import BandedContext, Structure
from priors.text import brief, suggestion

CARRIED = (
    *("source", "final_diagnosis", "cauda_equina_syndrome", "notes"),
    *("tests", "imaging", "text_basis", "thin"),
)
STEP_KEYS = ("label", "present", "absent", "unsure", "values", "clear")
FINDING_KEYS = ("present", "absent", "unsure", "values")
CASE_KEYS = ("id", AGE, SEX, DURATION, "setting", *FINDING_KEYS, "steps")


def read_case(path: Path | str, structure: Structure, ignore_unknown: bool = False) -> Case:
    """Read a case file.

    Parameters
    ----------
    path : Path or str
        A JSON file.
    structure : Structure
        The vocabulary.
    ignore_unknown : bool
        Drop unknown names and list them in `Case.ignored`, instead of refusing them.

    Returns
    -------
    Case
        Checked against the vocabulary.

    Raises
    ------
    BadCase
        Where the file cannot be read or breaks the format.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise BadCase(f"cannot read {path}: {error.strerror or error}") from None
    return parse_case(load_json(raw, str(path)), structure, ignore_unknown)


def load_json(raw: bytes, where: str) -> Any:
    """Parse JSON strictly: UTF-8, no NaN, no key twice, whole characters; raise BadCase naming the place."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise BadCase(f"{where}: the key {key!r} stands twice in one object")
            found[key] = value
        return found

    def no_constant(word: str) -> Any:
        raise BadCase(f"{where}: {word} is not a number; leave the key out or give null")

    try:
        text = raw.decode("utf-8-sig")
        if not text.strip():
            raise BadCase(f"{where} is empty; {{}} is the case with nothing entered")
        data = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
        if "\\u" in text:  # an escape can smuggle in half a character, which no file could hold
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadCase(f"{where} holds an escape that is no whole character") from None
    except UnicodeDecodeError:
        raise BadCase(f"{where} is not a JSON text in UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise BadCase(f"{where} is not valid JSON: {place}: {error.msg}") from None
    except RecursionError:
        raise BadCase(f"{where} is nested too deeply for a case file") from None
    except BadCase:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise BadCase(f"{where} is not valid JSON: {error}") from None
    return data


def parse_case(data: Any, structure: Structure, ignore_unknown: bool = False) -> Case:
    """Check a case given as the object of a case file; see `read_case`.

    Examples
    --------
    >>> from priors import load_priors
    >>> parse_case({"age": 59, "present": ["night_pain"]}, load_priors().structure).initial.findings
    (('night_pain', 'present'),)
    """
    return _Parser(structure, ignore_unknown).case(data)


class _Parser:
    """Reads one case; holds the vocabulary and what was dropped on the way."""

    def __init__(self, structure: Structure, ignore_unknown: bool) -> None:
        self.structure, self.ignore_unknown = structure, ignore_unknown
        self.ignored: list[str] = []
        self.typed: dict[str, float] = {}  # numbers of this step and those before: a laboratory's limit holds on

    def case(self, data: Any) -> Case:
        """Check a whole case."""
        if not isinstance(data, dict):
            raise BadCase(f"expected a case as an object {{...}}, found {_kind(data)}")
        data = {key: value for key, value in data.items() if value is not None}
        facts = {}
        for key in list(data):
            if key in self.structure.facts:
                facts[key] = self.boolean(key, data[key])
            elif key not in (*CASE_KEYS, *CARRIED):
                self.unknown("key", key, (*CASE_KEYS, *self.structure.facts, *CARRIED))
                del data[key]
        setting = data.get("setting")
        if setting is not None and not isinstance(setting, str):
            raise BadCase(f"setting: expected the name of a profile, found {brief(setting)}")
        steps = data.get("steps", [])
        if not isinstance(steps, list):
            raise BadCase(f"steps: expected a list, found {_kind(steps)}")
        return Case(
            id=self.identifier(data.get("id")),
            age=self.banded(data.get(AGE), self.structure.age),
            sex=self.sex(data.get(SEX)),
            duration_weeks=self.banded(data.get(DURATION), self.structure.duration),
            setting=setting,
            facts=MappingProxyType(facts),
            initial=self.step({key: data[key] for key in FINDING_KEYS if key in data}, "", ""),
            steps=tuple(self.numbered_step(index, step) for index, step in enumerate(steps, start=1)),
            carried=MappingProxyType({key: data[key] for key in CARRIED if key in data}),
            ignored=tuple(dict.fromkeys(self.ignored)),
        )

    def unknown(self, what: str, name: str, known: tuple[str, ...]) -> None:
        """Refuse an unknown name, or note it where the user asked for that."""
        if not self.ignore_unknown:
            raise BadCase(f"unknown {what} {brief(name)}{suggestion(name, known)}")
        self.ignored.append(name)

    def numbered_step(self, index: int, data: Any) -> Step:
        """Check one entry of `steps`."""
        where = f"step {index}: "
        if not isinstance(data, dict):
            raise BadCase(f"{where}expected an object {{...}}, found {_kind(data)}")
        data = {key: value for key, value in data.items() if value is not None}
        for key in list(data):
            if key not in STEP_KEYS:
                self.unknown(f"key in step {index}", key, STEP_KEYS)
                del data[key]
        label = data.get("label", f"Step {index}")
        if not isinstance(label, str):
            raise BadCase(f"{where}label: expected a text, found {brief(label)}")
        return self.step(data, " ".join(label.split()), where)

    def step(self, data: dict[str, Any], label: str, where: str) -> Step:
        """Check the findings that a step, or the case before its steps, enters."""
        findings: dict[str, Status] = {}
        for status in (PRESENT, ABSENT):
            for name in self.names(data.get(status, []), status, where):
                self.enter(findings, name, status, where)
        unsure = data.get("unsure", {})
        if not isinstance(unsure, dict):
            raise BadCase(f"{where}unsure: expected {{finding: likelihood ratio}}, found {_kind(unsure)}")
        for name, ratio in unsure.items():
            if ratio is None or not self.known_finding(name):
                continue
            number = _number(ratio)
            if number is None or number <= 0:
                raise BadCase(f"{where}unsure {name}: expected a likelihood ratio above 0, found {brief(ratio)}")
            self.enter(findings, name, number, where)
        self.values(data.get("values", {}), findings, where)
        clear = self.names(data.get("clear", []), "clear", where)
        for name in clear:
            if name in findings:
                raise BadCase(f"{where}{name} is both entered and cleared in one step")
        return Step(label, tuple(findings.items()), clear)

    def names(self, listed: Any, key: str, where: str) -> tuple[str, ...]:
        """Check a list of findings; unknown ones are refused or noted."""
        if not isinstance(listed, list):
            raise BadCase(f"{where}{key}: expected a list of findings, found {_kind(listed)}")
        for name in listed:
            if not isinstance(name, str):
                raise BadCase(f"{where}{key}: expected the name of a finding, found {brief(name)}")
        known = [name for name in listed if self.known_finding(name)]
        if double := sorted({name for name in known if known.count(name) > 1}):
            raise BadCase(f"{where}{double[0]} stands twice under {key!r}")
        return tuple(known)

    def known_finding(self, name: str) -> bool:
        """Say whether a finding exists; one that does not is refused or noted."""
        if name in self.structure.findings:
            return True
        self.unknown("finding", name, tuple(self.structure.findings))
        return False

    def enter(self, findings: dict[str, Status], name: str, status: Status, where: str) -> None:
        """Enter a finding, once."""
        if name in findings:
            raise BadCase(f"{where}{name} is given twice, as {_shown(findings[name])} and as {_shown(status)}")
        findings[name] = status

    def values(self, values: Any, findings: dict[str, Status], where: str) -> None:
        """Read typed numbers and enter the findings they imply."""
        if not isinstance(values, dict):
            raise BadCase(f"{where}values: expected {{name: number}}, found {_kind(values)}")
        numbers: dict[str, float] = {}
        for name, given in values.items():
            if given is None:
                continue
            if name not in self.structure.values:
                self.unknown("value", name, tuple(self.structure.values))
                continue
            value, number = self.structure.values[name], _number(given)
            if number is None or not value.minimum <= number <= value.maximum:
                limits = f"{value.minimum:g} to {value.maximum:g} {value.unit}".rstrip()
                raise BadCase(f"{where}{name}: expected a number from {limits}, found {brief(given)}")
            numbers[name] = number
        self.typed |= numbers
        for name, number in self.typed.items():
            value = self.structure.values[name]
            if name not in numbers and value.limit_from not in numbers:
                continue  # nothing new is known of it in this step
            for implication in value.implies:
                status = PRESENT if implication.holds(number, self.typed.get(value.limit_from)) else ABSENT
                listed = findings.setdefault(implication.finding, status)
                if listed != status:
                    raise BadCase(
                        f"{where}{name} {number:g} means {implication.finding} {status}, "
                        f"but it is listed as {_shown(listed)}; leave one of them out"
                    )

    def identifier(self, given: Any) -> str | int | None:
        """Check an id."""
        if given is None or (isinstance(given, str | int) and not isinstance(given, bool)):
            return given
        raise BadCase(f"id: expected a text or a whole number, found {brief(given)}")

    def boolean(self, key: str, given: Any) -> bool:
        """Check a fact."""
        if not isinstance(given, bool):
            raise BadCase(f"{key}: expected true or false, found {brief(given)}")
        return given

    def sex(self, given: Any) -> str | None:
        """Check the sex."""
        states = self.structure.sex.states
        if given is not None and given not in states:
            raise BadCase(f"sex: expected {' or '.join(states)}, found {brief(given)}")
        return None if given is None else str(given)

    def banded(self, given: Any, context: BandedContext) -> float | None:
        """Check an age or a duration."""
        if given is None:
            return None
        number = _number(given)
        if number is None or not context.minimum <= number <= context.maximum:
            limits = f"{context.minimum:g} to {context.maximum:g} {context.unit}"
            raise BadCase(f"{context.name}: expected a number from {limits}, found {brief(given)}")
        return number


def _number(given: Any) -> float | None:
    """Return a JSON number as a finite float, or None where it is none."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _kind(data: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(data), "a number")


def _shown(status: Status) -> str:
    return status if isinstance(status, str) else f"unsure ({status:g})"
