"""The summary that is committed: every check and figure of the last report, and what it was made from.

The app shows it, and says when it is stale. Not here: the report (`validation/report.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model.build import Model
from model.files import replacing
from validation.sections import Section

FOLDER = Path(__file__).resolve().parent
SUMMARY = FOLDER / "summary.json"
INPUTS = (
    "cases/*.json",
    "targets/*.toml",
    "claims.toml",
    "independences.toml",
    "red_flags.toml",
    "card.toml",
    "studies/*",
)
# Figures that only the report's own JSON has: long, and on no page of the app.
LEFT_OUT = {"coverage": ("visits",), "dependence": ("pairs",), "card": ("items",)}
RENEW = ".venv/bin/python -m validation report --renew"
# Raise when validation's code changes what the same model and inputs give.
VALIDATION_VERSION = 1


def made_from(models: Mapping[str, Model], folder: Path = FOLDER, cases: Path | None = None) -> dict[str, Any]:
    """Return what a report is made from: the digest of every model and of validation's own data files.

    Parameters
    ----------
    models : mapping of str to Model
        By profile.
    folder : Path
        Of validation.
    cases : Path, optional
        Folder of case files, where not the one in `folder`.

    Returns
    -------
    dict
        Equal for two trees whose reports are the same.
    """
    text = hashlib.sha256(str(VALIDATION_VERSION).encode())
    named = [(file.relative_to(folder).as_posix(), file) for pattern in INPUTS for file in sorted(folder.glob(pattern))]
    if cases is not None:
        named = [(name, file) for name, file in named if not name.startswith("cases/")]
        named = [*((f"cases/{file.name}", file) for file in sorted(cases.glob("*.json"))), *named]
    for name, file in named:
        if file.is_file():
            text.update(f"{name}\0".encode())
            text.update(file.read_bytes().replace(b"\r\n", b"\n"))
    return {
        "models": {profile: model.digest for profile, model in models.items()},
        "inputs": text.hexdigest()[:16],
    }


def summarise(sections: Sequence[Section], origin: Mapping[str, Any], date: str) -> dict[str, Any]:
    """Return the summary of a report as it is written to summary.json."""
    return {
        "made_from": dict(origin),
        "date": date,
        "renewed_by": RENEW,
        "sections": {
            section.key: {
                "title": section.title,
                "headline": section.headline,
                "checks": [{"name": c.name, "holds": c.holds, "detail": c.detail} for c in section.checks],
                "figures": rounded(
                    {name: own for name, own in section.figures.items() if name not in LEFT_OUT.get(section.key, ())}
                ),
            }
            for section in sections
        },
    }


def rounded(value: Any, digits: int = 6) -> Any:
    """Return figures with floats to six significant digits, so that files do not differ by rounding noise.

    Examples
    --------
    >>> rounded({"a": [0.12345678, 3]})
    {'a': [0.123457, 3]}
    """
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {str(key): rounded(own, digits) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(own, digits) for own in value]
    return value


def write_json(path: Path, data: Any) -> None:
    """Write JSON whole or not at all; raise OSError where it cannot be written, ValueError for NaN."""
    with replacing(path) as handle:
        json.dump(data, handle, indent=1, ensure_ascii=False, allow_nan=False)
        handle.write("\n")


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary, one line a section: small, and a change shows where it is."""
    text = json.dumps({name: value for name, value in summary.items() if name != "sections"}, ensure_ascii=False)
    lines = [
        f"{json.dumps(key)}: {json.dumps(own, ensure_ascii=False, allow_nan=False)}"
        for key, own in summary["sections"].items()
    ]
    with replacing(path) as handle:
        handle.write(f'{text[:-1]}, "sections": {{\n' + ",\n".join(lines) + "\n}}\n")
