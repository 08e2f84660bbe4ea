"""Make the report: run its sections, tell how far it is, write page, figures, summary and model card.

Not here: the commands (`validation/__main__.py`), the sections (`validation/report.py`).
"""

from __future__ import annotations

import datetime
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from model.files import replacing
from priors import LasegueError
from priors.text import suggestion
from validation.casebook import CASES
from validation.page import page
from validation.report import MAKERS, Inputs, about, model_card
from validation.sections import Section
from validation.summary import RENEW, SUMMARY, made_from, rounded, summarise, write_json, write_summary

MODEL_CARD = Path(__file__).resolve().parents[1] / "docs" / "model-card.md"


class BadRequest(LasegueError):
    """A report that cannot be made as asked."""


def run_section(name: str, cases: Path | None) -> Section:
    """Make one section.

    Parameters
    ----------
    name : str
        Key of a section.
    cases : Path or None
        Folder of case files, where not the committed one.

    Returns
    -------
    Section
        As the report has it.

    Raises
    ------
    BadRequest
        Where there is no such section.
    LasegueError
        Where a data file or the folder of cases cannot be used.
    """
    return _make(Inputs(cases or CASES), _known((name,)))[0]


def run_report(out: Path, cases: Path | None, only: Sequence[str], renew: bool) -> None:
    """Make the report and write it.

    Parameters
    ----------
    out : Path
        HTML page; the JSON goes beside it.
    cases : Path or None
        Folder of case files, where not the committed one.
    only : sequence of str
        Keys of sections; all where empty.
    renew : bool
        Whether to renew the committed summary and model card too.

    Raises
    ------
    BadRequest
        For an unknown section, or to renew from other cases or part of the sections.
    LasegueError
        Where a data file or the folder of cases cannot be used.
    OSError
        Where a file cannot be written.
    """
    if renew and (cases is not None or only):
        raise BadRequest("--renew takes the committed cases and every section; leave --cases and --only away")
    _check_out(out)
    names = _known(only)
    inputs = Inputs(cases or CASES)
    sections = _make(inputs, names)
    date = datetime.date.today().isoformat()
    origin = made_from(inputs.models, cases=inputs.cases)
    options = [*(("--only", ",".join(only)) if only else ()), *(("--cases", str(cases)) if cases is not None else ())]
    command = RENEW if renew else shlex.join(["python", "-m", "validation", "report", *options])
    facts = about(inputs, origin, date, command)
    with replacing(out) as handle:
        handle.write(page(sections, facts))
    figures = {section.key: rounded(section.figures, 12) for section in sections}
    write_json(out.with_suffix(".json"), {"about": facts, "sections": figures})
    if renew:
        from validation.views.card import markdown

        write_summary(SUMMARY, summarise(sections, origin, date))
        with replacing(MODEL_CARD) as handle:
            handle.write(markdown(model_card(inputs, lambda _: None)))
    holding, asked = sum(s.holding for s in sections), sum(len(s.checks) for s in sections)
    print(f"{holding} of {asked} checks hold; {out} and {out.with_suffix('.json')}")


def _check_out(out: Path) -> None:
    """Refuse, before any work is done, a page that could not be written."""
    if not out.parent.is_dir():
        raise BadRequest(f"{out}: there is no folder {out.parent}")
    if out.suffix == ".json":
        raise BadRequest(f"{out}: the page needs another ending than .json, which its figures get")
    for path in (out, out.with_suffix(".json")):
        if path.exists() and not path.is_file():
            raise BadRequest(f"{path}: something other than a file is there")


def _known(names: Sequence[str]) -> tuple[str, ...]:
    """Return the sections asked for, in the report's order."""
    for name in names:
        if name not in MAKERS:
            near = suggestion(name, tuple(MAKERS)) or f"; expected one of {', '.join(MAKERS)}"
            raise BadRequest(f"unknown section {name!r}{near}")
    return tuple(name for name in MAKERS if not names or name in names)


def _make(inputs: Inputs, names: Sequence[str]) -> list[Section]:
    console = Console(stderr=True, highlight=False, markup=False)
    for number, name in enumerate(names, 1):
        start, heading = time.monotonic(), f"{number} of {len(names)}: {name}"
        with console.status(heading) as status:
            section = MAKERS[name](inputs, lambda what, heading=heading: status.update(f"{heading}: {what}"))  # type: ignore[misc]
        inputs.made[name] = section
        told = f", {section.holding} of {len(section.checks)} checks hold" if section.checks else ""
        print(f"{heading}{told} ({time.monotonic() - start:.0f} s)", file=sys.stderr, flush=True)
    return [inputs.made[name] for name in names]
