"""Wrong-model twin: the harms are what they are said to be, and what they cost is counted right."""

import json
from dataclasses import replace

import numpy as np
import pytest

from model import load_model
from model.elimination import log_joint, log_sum
from model.evidence import Evidence
from model.evidence_batch import evidence_of, hard_batch
from model.sampling import sample
from priors.records import CAUDA_EQUINA, CAUSE, CONTEXT_NODES
from validation.actions import Share, benefits, change, serious
from validation.cohort import batch_tables, bedside_nodes, posteriors, simulate
from validation.harmed import Bench, TwinSizes, harmed_cohorts, reported
from validation.harms import flip, record, relabel, repair, with_prevalences
from validation.scores import net_benefit, wilson
from validation.tied import SEVERITY, Ties, known_severity, loose_truth, tied_truth
from validation.twin import BENEFIT, LOG_LOSS, NAIVE, NETWORK, TOLD, measure_twin
from validation.views.twin import section

SMALL = TwinSizes(patients=1500, profile="emergency", shifts=("primary_care",), noise=(0.05,))
PRESENT, ABSENT = 1, 2  # answers


@pytest.fixture(scope="module")
def model():
    return load_model("emergency")


@pytest.fixture(scope="module")
def truth(model):
    return tied_truth(model, Ties())


@pytest.fixture(scope="module")
def bench():
    return Bench(SMALL)


@pytest.fixture(scope="module")
def found():
    said = []
    result = measure_twin(said.append, SMALL)
    assert len(said) == len(result.harms) + 1
    return result


def given(network, nodes, by):
    """Return P(nodes | by), `by` leading."""
    joint = np.exp(log_joint(network, Evidence(), (*by, *nodes)))
    return joint / joint.sum(axis=tuple(range(len(by), joint.ndim)), keepdims=True)


# the missed dependence


def test_each_finding_by_itself_is_as_the_model_has_it(model, truth):
    for node in model.network.nodes:
        if node.name == CAUSE:
            continue
        by = (CAUSE,) if node.name == CAUDA_EQUINA else (CAUSE, CAUDA_EQUINA)
        assert given(truth, (node.name,), by) == pytest.approx(given(model.network, (node.name,), by), abs=1e-12)
    assert truth.cpd_of[CAUSE].table == pytest.approx(model.network.cpd_of[CAUSE].table, abs=0)


def test_looser_ties_keep_each_finding_and_loosen_the_pairs(model):
    halved, none = (loose_truth(model, share) for share in (0.5, 0.0))
    for finding in model.priors.structure.findings.values():
        if finding.possible_if is None:
            for truth in (halved, none):
                assert given(truth, (finding.name,), (CAUSE,)) == pytest.approx(
                    given(model.network, (finding.name,), (CAUSE,)), abs=1e-12
                )

    def lift(network):
        both = given(network, ("weight_loss", "anorexia"), (CAUSE,))[0]
        return both[0, 0] / (both.sum(axis=1)[0] * both.sum(axis=0)[0])

    assert lift(model.network) > lift(halved) > lift(none)
    assert lift(none) == pytest.approx(1, abs=1e-9)


def test_findings_of_one_syndrome_and_of_two_hang_together_more(model, truth):
    def lift(network, pair, cause):
        both = given(network, pair, (CAUSE,))[network.node(CAUSE).index(cause)]
        return both[0, 0] / (both.sum(axis=1)[0] * both.sum(axis=0)[0])

    within, between = ("motor_weakness", "sensory_loss"), ("weight_loss", "night_pain")
    assert model.priors.structure.syndrome_of(between[0]) != model.priors.structure.syndrome_of(between[1])
    for cause in ("disc_herniation", "spinal_malignancy"):
        assert lift(truth, within, cause) > 1.1 * lift(model.network, within, cause) > 1
        assert lift(model.network, between, cause) == pytest.approx(1, abs=1e-9)
        assert lift(truth, between, cause) > 1.01


def test_severity_ties_findings_by_the_designs_formula(model, truth):
    """Two findings of no syndrome, worked out by hand from their stated frequencies."""
    pair, pi, pull = ("iv_drug_use", "insidious_onset"), 0.25, 0.8
    assert not any(model.priors.structure.syndrome_of(name) for name in pair)
    for cause in range(len(model.network.node(CAUSE).states)):
        inside, outside = [], []
        for name in pair:
            m = given(model.network, (name,), (CAUSE,))[cause, 0]
            reach = pull * min(m / pi, (1 - m) / (1 - pi))
            inside.append(m + (1 - pi) * reach)
            outside.append(m - pi * reach)
        both = given(truth, pair, (CAUSE,))[cause, 0, 0]
        assert both == pytest.approx(pi * np.prod(inside) + (1 - pi) * np.prod(outside), abs=1e-12)


def test_the_absence_of_a_reversed_finding_goes_with_severity(truth):
    joint = given(truth, ("relief_with_rest",), (SEVERITY.name,))
    assert joint[0, 0] < joint[1, 0]


def test_severity_says_nothing_of_the_cause(truth):
    assert truth.cpd_of[CAUSE].parents == truth.cpd_of[SEVERITY.name].parents == ()


def test_without_ties_the_truth_is_the_model(model):
    same = tied_truth(model, Ties(strength=0, pull=0))
    for name, cpd in model.network.cpd_of.items():
        for state in range(2):
            tied = same.cpd_of[name]
            table = tied.table.take(state, axis=-2) if SEVERITY.name in tied.parents else tied.table
            assert table == pytest.approx(cpd.table, abs=1e-12)


def test_severe_patients_and_the_others_make_up_the_truth(truth):
    nodes = (CAUSE, "weight_loss", "crossed_slr_positive", "bilateral_neurological_deficit")
    parts = [share * np.exp(log_joint(own, Evidence(), nodes)) for share, own in known_severity(truth)]
    assert sum(parts) == pytest.approx(np.exp(log_joint(truth, Evidence(), nodes)), abs=1e-12)


def test_shifted_prevalences_leave_the_rest(model):
    other = load_model("primary_care").network
    shifted = with_prevalences(model.network, other)
    assert shifted.cpd_of[CAUSE] is other.cpd_of[CAUSE]
    assert all(shifted.cpd_of[n.name] is model.network.cpd_of[n.name] for n in model.network.nodes if n.name != CAUSE)


# records


def test_what_is_bound_to_a_test_is_not_recorded_at_the_bedside(model):
    structure = model.priors.structure
    nodes = bedside_nodes(structure)
    assert "mri_level_fits_symptoms" not in nodes
    assert {"crossed_slr_positive", "not_improved_after_one_month", *CONTEXT_NODES} <= set(nodes)
    assert set(nodes) <= set(bedside_nodes(structure))


def test_records_keep_present_and_absent_findings_apart(bench):
    rng = np.random.default_rng(1)
    context = [index for index, name in enumerate(bench.nodes) if name in CONTEXT_NODES]
    findings = [index for index in range(len(bench.nodes)) if index not in context]
    known = bench.known.batch.answers
    kept = record(bench.known, 1, 0, rng).batch.answers
    assert (kept[context] == known[context]).all()
    assert (kept[findings] == np.where(known[findings] == PRESENT, PRESENT, 0)).all()
    share = (record(bench.known, 0.9, 0.3, rng).batch.answers[findings] == ABSENT).sum() / (known == ABSENT)[
        findings
    ].sum()
    assert share == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / (known == ABSENT).sum()))


def test_flipping_counts_what_it_does_and_leaves_blanks_and_context(bench, model):
    before = bench.reference.batch.answers
    noisy = flip(bench.reference, 0.1, 0.02, model.priors.structure, np.random.default_rng(2))
    after = noisy.cohort.batch.answers
    context = [index for index, name in enumerate(bench.nodes) if name in CONTEXT_NODES]
    assert (after[context] == before[context]).all()
    assert (after[before == 0] == 0).all()
    assert (after > 0).sum() == (before > 0).sum() - noisy.dropped
    turned = (after != before) & (after > 0)
    assert (turned & (before == PRESENT)).sum() == noisy.lost
    assert noisy.invented - noisy.dropped <= (turned & (before == ABSENT)).sum() <= noisy.invented
    findings = np.array([name not in CONTEXT_NODES for name in bench.nodes])[:, None]
    for count, answer, chance in ((noisy.lost, PRESENT, 0.1), (noisy.invented, ABSENT, 0.02)):
        total = ((before == answer) & findings).sum()
        assert count == pytest.approx(chance * total, abs=5 * np.sqrt(total * chance))


def test_when_every_absent_finding_is_invented_only_logic_is_in_the_way(bench, model):
    """All findings present: what cannot be is cyclic pain in men and no relief after a month in early pain."""
    noisy = flip(bench.reference, 0, 1, model.priors.structure, np.random.default_rng(3))
    answers = dict(zip(bench.nodes, bench.reference.batch.answers, strict=True))
    men = answers["sex"] == model.network.node("sex").index("male") + 1
    early = np.isin(answers["duration_weeks"], [i + 1 for i, s in enumerate(durations(model)) if s not in LATE])
    expected = (men & (answers["cyclic_with_menstruation"] > 0)).sum()
    expected += (early & (answers["not_improved_after_one_month"] > 0)).sum()
    assert noisy.dropped == expected > 0


LATE = ("weeks_4_6", "weeks_6_12", "weeks_12_26", "weeks_26_up")


def durations(model):
    return model.network.node("duration_weeks").states


@pytest.mark.parametrize(
    ("answers", "dropped"),
    [
        ({"crossed_slr_positive": PRESENT, "straight_leg_raise_positive": ABSENT}, "crossed_slr_positive"),
        ({"crossed_slr_positive": PRESENT, "straight_leg_raise_positive": 0}, None),
        ({"crossed_slr_positive": PRESENT, "straight_leg_raise_positive": PRESENT}, None),
        ({"crossed_slr_positive": ABSENT, "straight_leg_raise_positive": ABSENT}, None),
        ({"bilateral_neurological_deficit": PRESENT, "motor_weakness": ABSENT}, None),
        (
            {"bilateral_neurological_deficit": PRESENT, "motor_weakness": ABSENT, "sensory_loss": ABSENT},
            "bilateral_neurological_deficit",
        ),
        ({"mri_lumbar_normal": PRESENT, "mri_lumbar_cyst": PRESENT}, "mri_lumbar_normal"),
        ({"mri_lumbar_normal": PRESENT, "mri_lumbar_cyst": ABSENT}, None),
        ({"progressive_motor_deficit": PRESENT, "motor_weakness": ABSENT}, "progressive_motor_deficit"),
    ],
)
def test_a_contradictory_record_loses_the_bound_finding(model, answers, dropped):
    batch = hard_batch(tuple(answers), np.array([[answer] for answer in answers.values()]))
    repaired = dict(zip(batch.nodes, repair(batch, model.priors.structure)[:, 0].tolist(), strict=True))
    assert repaired == answers | ({dropped: 0} if dropped else {})


def test_repair_drops_exactly_where_the_network_finds_a_contradiction(model):
    """The network's own zeros judge the rule: elimination, case by case."""
    rng = np.random.default_rng(4)
    nodes = bedside_nodes(model.priors.structure)
    answers = simulate(model.network, 150, rng, nodes).batch.answers
    told = np.array([name not in CONTEXT_NODES for name in nodes])[:, None]
    turned = np.where((answers > 0) & told & (rng.random(answers.shape) < 0.3), 3 - answers, answers)
    batch = hard_batch(nodes, turned)
    repaired = repair(batch, model.priors.structure)
    fixed = replace(batch, answers=repaired)
    findings = model.priors.structure.findings
    bound = [name for name in nodes if name in CONTEXT_NODES or findings[name].possible_if]
    bound += ["straight_leg_raise_positive", "motor_weakness", "sensory_loss"]

    def impossible(of, case):
        evidence = evidence_of(model.network, of, case)
        known = Evidence(tuple(item for item in evidence.observed if item[0] in bound))
        return log_sum(log_joint(model.network, known, ())) == -np.inf

    refused = [impossible(batch, case) for case in range(150)]
    assert 10 < sum(refused) < 140
    assert refused == (repaired != batch.answers).any(axis=0).tolist()
    posteriors(batch_tables(model.network), fixed)  # raises where one is left


def test_wrong_labels_follow_the_prior_of_the_other_causes():
    prior = np.array([0.5, 0.3, 0.2])
    causes = np.repeat([0, 1, 2], 20_000)
    assert (relabel(causes, prior, 0, np.random.default_rng(5)) == causes).all()
    labels = relabel(causes, prior, 1, np.random.default_rng(5))
    for cause, shares in enumerate(([0, 0.6, 0.4], [5 / 7, 0, 2 / 7], [5 / 8, 3 / 8, 0])):
        counts = np.bincount(labels[causes == cause], minlength=3)
        assert counts[cause] == 0
        assert counts / 20_000 == pytest.approx(shares, abs=0.02)
    assert (relabel(causes, prior, 0.15, np.random.default_rng(6)) != causes).mean() == pytest.approx(0.15, abs=0.01)


# one who knows the harm


def test_a_report_that_may_be_wrong_is_weighed_by_its_error_rate(model):
    """P(cause | recorded present) by hand: present and recorded right, or absent and recorded wrong."""
    prior = model.network.cpd_of[CAUSE].table
    there = given(model.network, ("fever",), (CAUSE,))[:, 0]
    batch = reported(hard_batch(("fever",), np.array([[PRESENT, ABSENT]])), {PRESENT: 19.0, ABSENT: 1 / 19})
    probs = posteriors(batch_tables(model.network), batch)[CAUSE]
    for case, said in enumerate((0.95 * there + 0.05 * (1 - there), 0.05 * there + 0.95 * (1 - there))):
        assert probs[case] == pytest.approx(prior * said / (prior @ said), abs=1e-12)


def test_a_blank_speaks_where_absent_findings_are_seldom_recorded(model):
    prior = model.network.cpd_of[CAUSE].table
    there = given(model.network, ("fever",), (CAUSE,))[:, 0]
    batch = reported(hard_batch(("fever",), np.array([[0]])), {0: 0.1 / 0.7})
    blank = 0.1 * there + 0.7 * (1 - there)
    expected = prior * blank / (prior @ blank)
    assert posteriors(batch_tables(model.network), batch)[CAUSE][0] == pytest.approx(expected, abs=1e-12)


def test_context_is_never_a_report(bench):
    batch = reported(bench.reference.batch, {PRESENT: 19.0, ABSENT: 1 / 19, 0: 0.5})
    assert {batch.nodes[node] for node in batch.report_nodes}.isdisjoint(CONTEXT_NODES)
    assert (batch.answers > 0).sum() == 3 * SMALL.patients


def test_told_of_wrong_labels_the_chance_of_a_label_is_its_own_and_the_strays(bench):
    harmed = {h.key: h for h in harmed_cohorts(bench)}
    prior = bench.model.network.cpd_of[CAUSE].table
    truth = posteriors(bench.tables, bench.reference.batch)[CAUSE][0]
    expected = np.zeros(len(prior))
    for cause, own in enumerate(truth):
        expected[cause] += 0.85 * own
        for label in set(range(len(prior))) - {cause}:
            expected[label] += 0.15 * own * prior[label] / (1 - prior[cause])
    assert harmed["mislabelled"].told[0] == pytest.approx(expected, abs=1e-12)
    for own in harmed.values():
        assert own.told.sum(axis=1) == pytest.approx(1, abs=1e-9)
        assert own.same_patients == (own.key not in ("dependence", "loose_0.5", "loose_0", "prior_primary_care"))


def test_told_of_the_ties_is_the_posterior_of_the_truth(bench):
    """Elimination in the truth itself, severity summed out, judges the mixture; few findings keep it small."""
    truth = tied_truth(bench.model, SMALL.ties)
    harmed = next(h for h in harmed_cohorts(bench) if h.key == "dependence")
    evidence = evidence_of(truth, harmed.cohort.batch, 0)
    joint = np.exp(log_joint(truth, evidence, (CAUSE,)))
    assert harmed.told[0] == pytest.approx(joint / joint.sum(), abs=1e-9)


# counting


def test_benefits_and_changes_worked_by_hand():
    acted, outcome = np.array([True, True, True, False, False]), np.array([True, False, False, True, False])
    gains = benefits(acted, outcome, 0.1)
    assert gains.tolist() == pytest.approx([1, -1 / 9, -1 / 9, 0, 0])
    assert gains.mean() == pytest.approx(net_benefit(outcome, {"rule": acted.astype(float)}, [0.1])["rule"][0])
    first, second = np.array([1.0, 2.0, 4.0]), np.array([0.0, 2.0, 1.0])
    paired = change(first, second, paired=True)  # differences 1, 0, 3: variance 7/3
    assert (paired.high - paired.mean) / 1.959964 == pytest.approx(np.sqrt(7 / 9), rel=1e-6)
    apart = change(first, second, paired=False)  # variances 7/3 and 1
    assert (apart.mean - apart.low) / 1.959964 == pytest.approx(np.sqrt(10 / 9), rel=1e-6)
    wider = paired.beyond(3)
    assert (wider.high - wider.mean) == pytest.approx(3 * np.sqrt(7 / 9))


def test_benefits_agree_with_dcurves_on_probabilities():
    rng = np.random.default_rng(7)
    probs = rng.random(500) ** 3
    outcome = rng.random(500) < probs
    thresholds = [0.01, 0.05, 0.2]
    theirs = net_benefit(outcome, {"model": probs}, thresholds)["model"]
    assert [benefits(probs >= at, outcome, at).mean() for at in thresholds] == pytest.approx(theirs)


def test_serious_causes_with_their_thresholds(model):
    acted = serious(model)
    assert dict(zip(acted.names, acted.thresholds, strict=True)) == {
        "spinal_malignancy": 0.02,
        "spinal_infection": 0.01,
        "vertebral_fracture": 0.05,
        "buttock_sarcoma": 0.01,
    }
    assert acted.action_thresholds == (0.01, 0.02, 0.05)
    probs = np.full((1, 14), 0.03)
    assert dict(zip(acted.names, acted.flags(probs)[0].tolist(), strict=True))["vertebral_fracture"] is False
    assert acted.flags(probs).sum() == 3
    assert acted.any(probs) == pytest.approx(0.12)
    assert Share(9, 32).interval == wilson(9, 32)


def test_what_a_harm_costs_counted_patient_by_patient(found, bench):
    acted, first = found.serious, found.harms[0].by[NETWORK]
    probs = posteriors(bench.tables, bench.reference.batch)[CAUSE]
    hits = alarms = total = 0
    gain = 0.0
    for own, cause in zip(probs, bench.reference.causes.tolist(), strict=True):
        flagged = {c for c, at in zip(acted.columns, acted.thresholds, strict=True) if own[c] >= at}
        is_serious = cause in acted.columns
        total += is_serious
        hits += cause in flagged
        alarms += bool(flagged) and not is_serious
        if own[list(acted.columns)].sum() >= 0.02:
            gain += 1 if is_serious else -0.02 / 0.98
    assert (first.recall.events, first.recall.total) == (hits, total)
    assert first.false_alarms.events == alarms
    assert first.net_benefit[1] == pytest.approx(gain / SMALL.patients)
    assert found.threshold == 0.02


def test_falls_are_from_the_same_scorer_without_harm(found):
    reference, *others = found.harms
    for own in reference.by.values():
        assert all(fall.mean == fall.low == fall.high == 0 for fall in own.falls.values())
    for harm in others:
        for name, own in harm.by.items():
            rise = own.scores.log_loss - reference.by[name].scores.log_loss
            assert own.falls[LOG_LOSS].mean == pytest.approx(rise, abs=1e-9)
            assert own.falls[BENEFIT].mean == pytest.approx(own.net_benefit[1] - reference.by[name].net_benefit[1])
        gap = harm.by[NETWORK].scores.log_loss - harm.by[NAIVE].scores.log_loss
        assert harm.against_naive.mean == pytest.approx(gap, abs=1e-9)
        assert harm.against_naive.low < gap < harm.against_naive.high
        untold = harm.by[NETWORK].scores.log_loss - harm.by[TOLD].scores.log_loss
        assert harm.not_told.mean == pytest.approx(untold, abs=1e-9)


def test_one_who_is_told_does_no_worse_and_expects_what_there_is(found):
    for harm in found.harms:
        assert harm.not_told.beyond(4).high >= 0
        assert abs(harm.by[TOLD].deviates) < 4


def test_a_missed_dependence_costs_naive_bayes_more(found):
    harm = next(h for h in found.harms if h.key == "dependence")
    assert harm.by[NAIVE].falls[LOG_LOSS].mean > harm.by[NETWORK].falls[LOG_LOSS].mean + 0.05


def test_the_same_sizes_give_the_same_twin(found):
    assert measure_twin(lambda _: None, SMALL) == found


def test_the_section_lays_out_every_harm(found):
    made = section(found)
    assert (made.key, len(made.checks), len(made.pictures)) == ("twin", 4, 3)
    for grid in made.grids:
        assert {len(row) for row in grid.rows} == {len(grid.columns)}
    assert [row[0] for row in made.grids[0].rows] == [harm.label for harm in found.harms]
    assert len(made.grids[1].rows) == 3 * len(found.harms) - 1
    figures = json.loads(json.dumps(made.figures))
    assert figures["harms"][1]["by"]["naive_bayes"]["scores"]["log_loss"] == found.harms[1].by[NAIVE].scores.log_loss
    assert all("<svg" in picture.svg and picture.alt for picture in made.pictures)


def test_a_check_fails_where_the_network_is_no_better_than_naive_bayes(found):
    harm = found.harms[1]
    worse = replace(harm, against_naive=replace(harm.against_naive, high=0.01))
    checks = {c.name: c for c in section(replace(found, harms=(found.harms[0], worse))).checks}
    failed = [c for c in checks.values() if not c.holds]
    assert any(harm.label in c.detail for c in failed)


def test_the_sampler_takes_a_truth_with_severity(truth):
    drawn = sample(truth, 4000, np.random.default_rng(8))
    assert (drawn[SEVERITY.name] == 0).mean() == pytest.approx(0.25, abs=0.03)
