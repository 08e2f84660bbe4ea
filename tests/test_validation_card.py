"""The model card: counts equal those of priors, nothing required is missing, Markdown is whole."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from model import Model
from priors import available_profiles, load_priors
from priors.records import JUDGEMENT, THRESHOLD
from priors.summary import summarise
from validation.card import FILE, NOT_MEASURED, Card, measure_card
from validation.sections import Grid
from validation.views.card import markdown, section

REQUIRED = {
    "Intended use and users",
    "What it must not be used for",
    "Population",
    "Data",
    "Sample size",
    "Outcome",
    "Predictors",
    "Missing data",
    "Model",
    "Uncertainty",
    "Output and thresholds",
    "Fairness and sub-groups",
    "Performance",
    "Limits",
    "Use in practice",
    "Ethics, funding, protocol, involvement",
    "Availability and versions",
}
# Numbers of the TRIPOD+AI checklist, each with the name it has there.
CHECKLIST = {
    **dict.fromkeys(["3a", "3b", "3c"], "Background"),
    "4": "Objectives",
    **dict.fromkeys(["5a", "5b"], "Data"),
    **dict.fromkeys(["6a", "6b", "6c"], "Participants"),
    "7": "Data preparation",
    **dict.fromkeys(["8a", "8b", "8c"], "Outcome"),
    **dict.fromkeys(["9a", "9b", "9c"], "Predictors"),
    "10": "Sample size",
    "11": "Missing data",
    **dict.fromkeys(["12a", "12b", "12c", "12d", "12e", "12f", "12g"], "Analytical methods"),
    "13": "Class imbalance",
    "14": "Fairness",
    "15": "Model output",
    "16": "Training versus evaluation",
    "17": "Ethical approval",
    "18a": "Funding",
    "18b": "Conflicts of interest",
    "18c": "Protocol",
    "18d": "Registration",
    "18e": "Data sharing",
    "18f": "Code sharing",
    "19": "Patient and public involvement",
    **dict.fromkeys(["20a", "20b", "20c"], "Participants"),
    "21": "Model development",
    "22": "Model specification",
    **dict.fromkeys(["23a", "23b"], "Model performance"),
    "24": "Model updating",
    "25": "Interpretation",
    "26": "Limitations",
    **dict.fromkeys(["27a", "27b", "27c"], "Usability"),
}
NOT_A_STUDY = {"12a"}  # partition of data: there are none to part


@pytest.fixture(scope="module")
def card(models: Mapping[str, Model]) -> Card:
    told: list[str] = []
    found = measure_card(models, told.append, {"Structure": "0.12 bits a patient.", "Own cohort": "none"})
    assert told == ["model card"]
    return found


def cells(card: Card, heading: str, title: str) -> Grid:
    return next(grid for grid in card.item(heading).grids if grid.title.startswith(title))


def test_every_required_item_is_there_with_text(card: Card) -> None:
    headings = [item.heading for item in card.items]
    assert set(headings) >= REQUIRED
    assert len(set(headings)) == len(headings)
    assert all(item.paragraphs for item in card.items)


def test_numbers_of_the_checklist_stand_with_their_names(card: Card) -> None:
    found = Counter[str]()
    for item in card.items:
        for part in filter(None, item.tripod.split("; ")):
            numbers, name = re.fullmatch(r"((?:\d+[a-g]?(?:, )?)+) (.+)", part).groups()
            for number in numbers.split(", "):
                assert CHECKLIST[number] == name
                found[number] += 1
    assert set(found) == set(CHECKLIST) - NOT_A_STUDY
    assert set(found.values()) == {1}


def test_counts_equal_those_of_priors(card: Card) -> None:
    facts = dict(card.facts)
    priors = load_priors()
    by_kind = Counter(row.estimate.kind for row in priors.rows)
    assert facts["numbers"] == f"{len(priors.rows):,}"
    assert facts["judgement"] == f"{by_kind[JUDGEMENT]:,}"
    own = [row.estimate.kind for (key, _), row in priors.cells.items() if key.parameter != THRESHOLD]
    assert facts["judgement_cells"] == f"{own.count(JUDGEMENT):,}"
    assert facts["cells"] == f"{len(own):,}"
    assert facts["sources"] == f"{len(priors.sources):,}"
    for what, count in Counter(source.read for source in priors.sources.values()).items():
        assert not what or f"{what} of {count:,}" in facts["sources_read"]
    assert f"under documents {facts['numbers']} numbers" in " ".join(card.item("Sample size").paragraphs)
    assert f"any of {len(priors.structure.findings)} findings" in card.intro[0]


def test_tables_of_counts_equal_those_of_priors(card: Card) -> None:
    kinds = cells(card, "Sample size", "Numbers by kind")
    for row in kinds.rows:
        by_kind = summarise(load_priors(profile=row[0])).by_kind
        told = dict(zip(kinds.columns[1:], (int(cell.replace(",", "")) for cell in row[1:]), strict=True))
        assert told.pop("all") == sum(by_kind.values()) == sum(told.values())
        assert {kind: count for kind, count in told.items() if count} == dict(by_kind)
    rests = cells(card, "Sample size", "Numbers that each cause rests on")
    by_cause = summarise(load_priors()).by_cause
    assert [int(row[5]) for row in rests.rows] == [counts[JUDGEMENT] for counts in by_cause.values()]


def test_every_cause_profile_finding_and_outcome_is_named(card: Card, models: Mapping[str, Model]) -> None:
    text = markdown(card)
    structure = models["documents"].priors.structure
    for cause in (*structure.causes, structure.complication):
        assert cause.label in text
        assert f"| {cause.name} |" in text
    for profile in available_profiles():
        assert profile in card.item("Population").paragraphs[0]
        assert f"| {profile} |" in text
        assert models[profile].digest in text
    for finding in structure.findings.values():
        assert finding.label in text
    for outcome in structure.cannot_miss.values():
        assert outcome.label in text


def test_priors_of_the_card_are_those_of_the_profiles(card: Card, models: Mapping[str, Model]) -> None:
    causes = cells(card, "Outcome", "Causes")
    assert causes.columns == ("Cause", "Name", *models)
    row = next(row for row in causes.rows if row[1] == "vertebral_fracture")
    assert dict(zip(causes.columns, row, strict=True))["documents"] == "4.0 %"


def test_what_was_measured_is_told_and_what_was_not(card: Card, models: Mapping[str, Model]) -> None:
    told = dict(cells(card, "Performance", "Measured figures").rows)
    assert told["Structure"] == "0.12 bits a patient."
    assert told["Own cohort"] == "none"
    assert told["Published cases"] == told["Engines"] == NOT_MEASURED == "not measured in this run"
    bare = measure_card(models, lambda _: None)
    assert set(dict(cells(bare, "Performance", "Measured figures").rows).values()) == {NOT_MEASURED}


def test_markdown_is_whole(card: Card) -> None:
    text = markdown(card)
    assert not re.search(r"\{\w*\}", text)
    assert not re.search(r"\b(None|nan|TODO)\b(?! of the listed)", text)
    assert text.splitlines()[2] == f"# {card.title}"
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [item.heading for item in card.items]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    tables = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    assert len(tables) == sum(len(item.grids) for item in card.items)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_signs_of_markdown_stand_as_they_are(card: Card) -> None:
    grid = Grid("A | B", ("x",), (("a|b < 1 *",),), "note")
    item = card.items[0]
    text = markdown(Card("T", (), (type(item)("H", "", ("p < 1",), (grid,)),), ()))
    assert r"| a\|b \< 1 \* |" in text
    assert r"p \< 1" in text
    assert "no item of the checklist" in text


def test_the_section_holds_the_card(card: Card) -> None:
    shown = section(card)
    assert shown.key == "card"
    assert [row[0] for row in shown.grids[0].rows] == [item.heading for item in card.items]
    assert len(shown.grids) == 1 + sum(len(item.grids) for item in card.items)
    for grid in shown.grids:
        assert all(len(row) == len(grid.columns) for row in grid.rows)
    figures = json.loads(json.dumps(shown.figures))
    assert figures["facts"]["causes"] == "14"
    assert set(figures["items"]) >= REQUIRED


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{causes} causes", "{cuases} causes", "unknown fact 'cuases'"),
        ('tables = ["causes"]', 'tables = ["caues"]', "unknown table 'caues'"),
    ],
)
def test_words_that_name_what_is_not_there_are_refused(
    models: Mapping[str, Model], tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "card.toml"
    file.write_text(FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        measure_card(models, lambda _: None, file=file)


def test_every_fact_is_used(card: Card) -> None:
    words = FILE.read_text(encoding="utf-8")
    assert [name for name, _ in card.facts if f"{{{name}}}" not in words] == []
