"""The worked examples of priors/README.md work when they are followed to the letter."""

import re
import shutil
from pathlib import Path

import pytest

from model import diagnose, load_model, parse_case
from priors import PriorsError, available_profiles, load_priors
from priors.records import Key

PRIORS = Path(__file__).resolve().parents[1] / "priors"
README = (PRIORS / "README.md").read_text(encoding="utf-8")


def block(language, containing):
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text]
    assert len(found) == 1
    return found[0]


def copy(folder):
    shutil.copytree(PRIORS, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_finding_is_added_as_the_readme_says(tmp_path):
    folder = copy(tmp_path / "priors")
    append(folder / "findings.toml", "\n" + block("toml", "sudden_onset"))
    append(folder / "likelihoods.csv", block("csv", "sudden_onset"))
    model = load_model(folder=folder)
    case = parse_case({"present": ["sudden_onset"]}, model.priors.structure)
    posterior = diagnose(model, case).final.posterior
    # by hand: 0.84 of the prior has likelihood 0.3, the rest 0.1
    assert posterior["disc_herniation"] == pytest.approx(0.80 * 0.3 / (0.84 * 0.3 + 0.16 * 0.1), abs=1e-12)


def test_a_number_is_changed_as_the_readme_says(tmp_path):
    folder = copy(tmp_path / "priors")
    row = block("csv", "our clinic")
    lines = (folder / "likelihoods.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    same = [i for i, line in enumerate(lines) if line.startswith("probability,asthenia,present,,spinal_malignancy,")]
    assert len(same) == 1
    lines[same[0]] = row
    (folder / "likelihoods.csv").write_text("".join(lines), encoding="utf-8")
    append(folder / "references.bib", "\n" + block("bibtex", "clinic2026tiredness"))
    priors = load_priors(folder)
    cell = priors.cells[Key("probability", "asthenia", "present"), "spinal_malignancy"]
    assert cell.estimate.value == pytest.approx(21 / 60)
    assert cell.estimate.sources == ("clinic2026tiredness",)
    assert priors.digest != load_priors().digest


def test_an_overlay_is_written_as_the_readme_says(tmp_path):
    overlay = tmp_path / "my.csv"
    overlay.write_text(block("csv", "my clinic"), encoding="utf-8")
    prior = diagnose(model := load_model(str(overlay)), parse_case({}, model.priors.structure)).prior.posterior
    assert prior["disc_herniation"] == pytest.approx(0.70, abs=1e-12)
    assert prior["spinal_stenosis"] == pytest.approx(0.03, abs=1e-12)


def test_an_overlay_kept_in_profiles_has_a_name(tmp_path):
    folder = copy(tmp_path / "priors")
    (folder / "profiles" / "vascular.csv").write_text(block("csv", "my clinic"), encoding="utf-8")
    assert "vascular" in available_profiles(folder)
    assert load_priors(folder, "vascular").profile == "vascular"


def test_an_overlay_cites_its_own_sources_from_the_file_beside_it(tmp_path):
    overlay = tmp_path / "my.csv"
    overlay.write_text(block("csv", "my clinic").replace("desk_judgement", "clinic2026count"), encoding="utf-8")
    with pytest.raises(PriorsError, match=r"row 2, source: 'clinic2026count' is not in references\.bib"):
        load_priors(profile=str(overlay))
    entry = "@misc{clinic2026count, author = {A. Clinic}, title = {A count}, year = {2026}}\n"
    overlay.with_suffix(".bib").write_text(entry, encoding="utf-8")
    assert "clinic2026count" in load_priors(profile=str(overlay)).sources


def test_an_overlay_that_changes_one_prevalence_alone_is_named_with_its_row(tmp_path):
    overlay = tmp_path / "my.csv"
    overlay.write_text("".join(block("csv", "my clinic").splitlines(keepends=True)[:2]), encoding="utf-8")
    with pytest.raises(PriorsError, match=r"my\.csv, row 2, value: the prevalences sum to 0\.9 .*expected 1"):
        load_priors(profile=str(overlay))


def test_a_new_cause_lists_what_it_lacks(tmp_path):
    folder = copy(tmp_path / "priors")
    append(folder / "causes.toml", "\n" + block("toml", "cause.zoster"))
    with pytest.raises(PriorsError) as caught:
        load_priors(folder)
    text = str(caught.value)
    assert "prevalence.csv: missing row: probability of cause=zoster" in text
    assert re.search(r"context\.csv: missing row: probability of age=under_20 for zoster", text)
    assert "likelihoods.csv: missing row: probability of fever" not in text  # its background row says `others`
