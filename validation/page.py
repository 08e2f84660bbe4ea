"""The report as one HTML page: no script, no outside request, light and dark, on paper too.

Not here: what it says (`validation/views/`), the template (`validation/page.html`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from validation.sections import Section

FOLDER = Path(__file__).resolve().parent
TITLE = "Lasègue: validation report"
LEAD = (
    "How good is the model, where is it wrong, and how would one know? Sections 1 to 3 hold it against what others "
    "published; the rest checks its arithmetic, its structure and how it behaves when the truth is another. It has not "
    "been validated on patients."
)


def page(sections: Sequence[Section], about: Mapping[str, str]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    sections : sequence of Section
        In the order they are shown.
    about : mapping of str to str
        What it was made from: digests, date, versions, command.

    Returns
    -------
    str
        A whole document; all text in it is escaped, plots stand inline.
    """
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("page.html")
    failing = [(section, check) for section in sections for check in section.checks if not check.holds]
    return template.render(title=TITLE, lead=LEAD, sections=list(sections), about=dict(about), failing=failing) + "\n"
