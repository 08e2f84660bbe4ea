"""Small dealings with what a user typed: a number read, a near name suggested, a long text cut."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches

SHORT_LIST, BRIEF_LENGTH = 8, 80

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def plain_number(text: str) -> float | None:
    """Return a finite number written in plain digits, or None where the text is none.

    Examples
    --------
    >>> plain_number(" 0.5 "), plain_number("1e-3"), plain_number("5_9"), plain_number("nan"), plain_number("1e999")
    (0.5, 0.001, None, None, None)
    """
    stripped = text.strip()
    number = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    return number if math.isfinite(number) else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' for the nearest known name, a short list, or nothing where neither helps."""
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    close = close or [other for other in names if len(name) > 1 and other.startswith(f"{name}_")]
    if close:
        return f"; did you mean {close[0]}?"
    return f"; expected one of {', '.join(names)}" if len(names) <= SHORT_LIST else ""


def brief(given: object) -> str:
    """Write what a user gave, cut where it is long."""
    shown = repr(int(given)) if isinstance(given, float) and given.is_integer() else repr(given)
    return shown if len(shown) <= BRIEF_LENGTH else f"{shown[: BRIEF_LENGTH - 4]} ..."
