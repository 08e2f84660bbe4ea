"""Reading plain numbers from cells and options."""

from __future__ import annotations

import math
import re

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
