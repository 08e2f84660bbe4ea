"""The benchmark measures what it says: its cases, its rivals' answers, its ratios. How fast is not a test.

Not here: whether the engine is right on more than its cases (`test_model_compiled.py`).
"""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from model.batch import batch_posterior
from model.draws import METHODS
from model.elimination import EliminationEngine
from model.evidence_batch import evidence_of
from priors.records import AGE, DURATION, SEX
from validation.__main__ import app
from validation.benchmark import Benchmark, Ratio, Sizes, medians, run_benchmark
from validation.convergence import convergence
from validation.mix import MOST_FINDINGS, case_mix, plain_cases
from validation.rivals import TARGETS, ask_pgmpy, ask_pyagrum, bare_gather

TINY = Sizes(singles=6, rounds=1, batch=300, heavy=2, starts=1)


def test_the_mix_is_what_it_says(model):
    mix = case_mix(model.network, 20_000)
    answers = dict(zip(mix.batch.nodes, mix.batch.answers, strict=True))
    assert (answers[AGE] > 0).all()
    assert (answers[SEX] > 0).all()
    assert (answers[DURATION] == 0).mean() == pytest.approx(0.3, abs=0.02)
    findings = np.array([answers[name] > 0 for name in mix.batch.nodes if name not in (AGE, SEX, DURATION)]).sum(axis=0)
    findings += np.bincount(mix.batch.report_cases, minlength=mix.batch.num_cases)
    assert (findings.min(), findings.max()) == (1, MOST_FINDINGS)
    assert findings.mean() == pytest.approx((1 + MOST_FINDINGS) / 2, abs=0.3)
    assert len(np.unique(mix.batch.report_cases)) / mix.batch.num_cases == pytest.approx(0.05, abs=0.01)


def test_the_mix_is_always_the_same(model):
    first, second = (case_mix(model.network, 50).batch for _ in range(2))
    assert (first.answers == second.answers).all()
    assert (first.report_ratios == second.report_ratios).all()


def test_the_mix_without_context_has_none(model):
    assert not {AGE, SEX, DURATION} & set(case_mix(model.network, 50, context=False).batch.nodes)


def test_plain_cases_have_no_reports_and_an_age(model):
    whole = case_mix(model.network, 500).batch
    plain = plain_cases(whole)
    assert plain.num_cases == 500 - len(np.unique(whole.report_cases))
    assert not len(plain.report_cases)


def test_the_bare_work_is_the_engines_sum(model):
    """Otherwise its time would be no limit: exp and a sum of what it gathers is P(evidence)."""
    plain = plain_cases(case_mix(model.network, 200).batch)
    logs = bare_gather(model.batch_tables, plain)()
    expected = batch_posterior(model.batch_tables, plain).log_evidence
    assert np.log(np.exp(logs).sum(axis=1)) == pytest.approx(expected, abs=1e-10)


def test_the_rivals_answer_the_same_question(model):
    batch = case_mix(model.network, 40).batch
    pyagrum, pgmpy = ask_pyagrum(model.network), ask_pgmpy(model.network)
    for case in range(batch.num_cases):
        evidence = evidence_of(model.network, batch, case)
        expected = [p.probs for p in EliminationEngine().query(model.network, evidence, TARGETS).posteriors]
        for theirs in [pyagrum(evidence)] + ([] if evidence.unsure else [pgmpy(evidence)]):
            for a, b in zip(theirs, expected, strict=True):
                assert a == pytest.approx(b, abs=1e-9)


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Benchmark:
    return run_benchmark(TINY)


def test_a_run_gives_every_figure(benchmark):
    assert benchmark.worst_difference < 1e-9
    assert all(seconds > 0 and math.isfinite(seconds) for seconds in benchmark.seconds.values())
    assert {"batch", "bare gather", "intervals", "what-ifs", "pairs", "one case: ours"} <= set(benchmark.seconds)
    assert [ratio.required for ratio in benchmark.ratios] == [30, 60, 300, 4, 40, 3, 100]
    assert {"processor", "python", "numpy", "pyagrum", "pgmpy", "numba"} <= set(benchmark.machine)


def test_the_figures_go_through_json(benchmark):
    read = json.loads(json.dumps(benchmark.as_dict()))
    assert read["ratios"][0]["ratio"] == benchmark.ratios[0].ratio
    assert read["seconds"] == benchmark.seconds


@pytest.mark.parametrize(
    ("ours", "theirs", "at_most", "ratio", "holds"),
    [
        (1.0, 40.0, False, 40, True),
        (1.0, 20.0, False, 20, False),
        (20.0, 1.0, True, 20, True),
        (40.0, 1.0, True, 40, False),
    ],
)
def test_a_ratio_by_hand(ours, theirs, at_most, ratio, holds):
    found = Ratio("x", ours, theirs, "y", 30, at_most)
    assert found.ratio == ratio
    assert found.holds is holds


def test_tools_take_turns_on_the_same_cases(model):
    batch = case_mix(model.network, 4).batch
    cases = [evidence_of(model.network, batch, case) for case in range(4)]
    seen = {"a": [], "b": []}
    medians([seen["a"].append, seen["b"].append], cases, rounds=3)
    assert seen["a"] == seen["b"] == cases * 4  # once to warm up


def test_convergence_compares_every_method(model):
    found = convergence(model, num_cases=3, num_seeds=3, clock=lambda: 0.0)
    assert tuple(one.method for one in found) == METHODS
    assert found[METHODS.index("plain")].error_ratio == 1
    assert all(one.error_range[0] <= one.error_ratio <= one.error_range[1] for one in found)


def test_a_file_that_cannot_be_written_is_told(tmp_path, monkeypatch, benchmark):
    monkeypatch.setattr("validation.benchmark.run_benchmark", lambda **_: benchmark)
    result = CliRunner().invoke(app, ["benchmark", "--json", str(tmp_path / "none" / "out.json")])
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    written = CliRunner().invoke(app, ["benchmark", "--json", str(tmp_path / "out.json")])
    assert written.exit_code == 0
    assert json.loads((tmp_path / "out.json").read_text())["ratios"][0]["required"] == 30
    assert "pyAgrum" in written.stdout
