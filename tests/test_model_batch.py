"""Many cases at once: each row is what the single question gives, whatever its neighbours are.
Chunks, merged blocks, tiny and impossible rows, and evidence that is none.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import (
    BINARY,
    asia,
    clinical_cases,
    hub,
    many_findings,
    mirrored,
    possible_evidence,
    random_network,
    sprinkler,
    toy_networks,
    zero_chain,
)

from model import Case, Model, batch
from model import hub as hub_module
from model import merged as merged_module
from model.batch import BatchPosterior, batch_marginal, batch_posterior
from model.case import stages
from model.compiled import Compiled, compile_network
from model.compiled_engine import CompiledEngine, compile_targets
from model.errors import BadEvidence, ImpossibleEvidence, UnknownName
from model.evidence import Evidence
from model.evidence_batch import EvidenceBatch, batch_of, evidence_of
from model.merged import merge_blocks
from model.network import CPD, Network, Node
from priors import available_profiles
from priors.records import CAUDA_EQUINA, CAUSE

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NETWORKS = toy_networks()
HUB = hub()
KINDS = {"nothing": (0, 0), "one": (1, 0), "three": (3, 0), "unsure": (0, 2), "hard_and_unsure": (2, 2)}
TARGETS = (CAUDA_EQUINA, CAUSE)
ENGINE = CompiledEngine()
TOLERANCE = 1e-12


@contextmanager
def limits(cells: int | None = None, chunk: int | None = None, merged: int | None = None) -> Iterator[None]:
    """Set the largest block, the cases of a chunk and the rows of a merged block."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (hub_module, "MAX_BLOCK_CELLS", cells),
            (batch, "CHUNK", chunk),
            (merged_module, "MERGED_ROWS", merged),
        ):
            if value is not None:
                patch.setattr(module, name, value)
        yield


def names_of(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def ask_all(compiled: Compiled, cases: Sequence[Evidence]) -> BatchPosterior:
    return batch_posterior(merge_blocks(compiled), batch_of(compiled.network, cases))


def assert_rows_equal_single(found: BatchPosterior, compiled: Compiled, cases: Sequence[Evidence]) -> None:
    """Compare each row with the engine's answer, impossible ones with its error."""
    engine, impossible = CompiledEngine(lambda _: compiled), {}
    assert found.log_evidence.shape == (len(cases),)
    for row, evidence in enumerate(cases):
        try:
            answer = engine.query(compiled.network, evidence, compiled.hub.targets)
        except ImpossibleEvidence as error:
            impossible[row] = set(error.findings)
            assert found.log_evidence[row] == -math.inf
            assert all((posterior[row] == 0).all() for posterior in found.posteriors.values())
            continue
        assert answer.engine == "compiled"
        assert_close(found.log_evidence[row], answer.log_evidence)
        for posterior in answer.posteriors:
            assert_close(found.posteriors[posterior.node][row], posterior.probs)
    assert set(found.impossible) == set(impossible)


def assert_rows_equal_oracle(found: BatchPosterior, network: Network, cases: Sequence[Evidence]) -> None:
    for row, evidence in enumerate(cases):
        joint = oracle.joint_with(network, evidence)
        total = joint.sum()
        assert (row in found.impossible) == (total == 0)
        assert_close(found.log_evidence[row], math.log(total) if total > 0 else -math.inf)
        for name, posterior in found.posteriors.items():
            axis = names_of(network).index(name)
            sums = joint.sum(axis=tuple(other for other in range(joint.ndim) if other != axis))
            assert_close(posterior[row], sums / total if total > 0 else sums)


def on_tables(compiled: Compiled, evidence: Evidence) -> Evidence:
    """Return the evidence without what the tables do not take."""
    hard = (item for item in evidence.observed if item[0] in compiled.places or item[0] in compiled.hub.nodes)
    return Evidence(tuple(hard), tuple(item for item in evidence.unsure if item[0] in compiled.places))


# The network of the project


@pytest.mark.parametrize("profile", available_profiles())
def test_five_hundred_generated_cases_as_one_by_one(models: Mapping[str, Model], profile: str) -> None:
    compiled = ENGINE.compiled(models[profile].network)
    rng = np.random.default_rng([41, *profile.encode()])
    cases = clinical_cases(rng, models[profile].network, 500)
    assert_rows_equal_single(ask_all(compiled, cases), compiled, cases)


def test_every_stage_of_every_case_file_as_one_by_one(models: Mapping[str, Model], cases: Mapping[str, Case]) -> None:
    for model in models.values():
        rows = [stage.evidence for case in cases.values() for stage in stages(case, model.priors.structure)]
        compiled = ENGINE.compiled(model.network)
        assert len(rows) > len(cases)
        assert_rows_equal_single(ask_all(compiled, rows), compiled, rows)


def test_many_reports_of_a_case_in_one_block_and_across(model: Model) -> None:
    compiled, rng = ENGINE.compiled(model.network), np.random.default_rng(1)
    block = compiled.hub.blocks[compiled.places["slump_test_positive"].block].observable
    others = ["fever", "smoking", "mri_lumbar_normal", "mri_lumbar_cyst"]
    cases = []
    for number in range(60):
        reported = [*rng.permutation(block)[: number % (len(block) + 1)], *rng.permutation(others)[: number % 4]]
        ratios = rng.choice([1e-300, 1e-9, 0.2, 1.0, 5.0, 1e9, 1e300], len(reported)).tolist()
        age = (("age", "age_35_49"),) if number % 3 else ()
        rest = tuple((name, BINARY[number % 2]) for name in block if name not in reported)[: number % 3]
        cases.append(Evidence((*age, *rest), tuple(zip(map(str, reported), ratios, strict=True))))
    assert_rows_equal_single(ask_all(compiled, cases), compiled, cases)


def test_observed_targets_as_one_by_one(model: Model) -> None:
    compiled, cases = ENGINE.compiled(model.network), []
    for number, evidence in enumerate(clinical_cases(np.random.default_rng(2), model.network, 60)):
        names = [(), (CAUSE,), (CAUDA_EQUINA,), TARGETS][number % 4]
        known = tuple((name, model.network.node(name).states[number % 2]) for name in names)
        cases.append(Evidence((*known, *evidence.observed), evidence.unsure))
    assert_rows_equal_single(ask_all(compiled, cases), compiled, cases)


# Counted from the joint table


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cells", [60, 400, 4_000_000], ids="cells_{}".format)
def test_equals_enumeration(name: str, cells: int) -> None:
    network, rng = NETWORKS[name], np.random.default_rng(3)
    with limits(cells=cells):
        compiled = compile_targets(network)
    cases = [on_tables(compiled, possible_evidence(rng, network, *kind)) for kind in KINDS.values() for _ in range(3)]
    assert_rows_equal_oracle(ask_all(compiled, cases), network, cases)


@given(
    seed=st.integers(0, 2**32 - 1),
    num_nodes=st.integers(2, 6),
    zero_share=st.sampled_from([0.0, 0.2, 0.6]),
    cells=st.sampled_from([0, 20, 60, 200, 4_000_000]),
    chunk=st.sampled_from([1, 3, 4096]),
    merged=st.sampled_from([1, 12, 729]),
)
def test_random_networks_equal_enumeration(
    seed: int, num_nodes: int, zero_share: float, cells: int, chunk: int, merged: int
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, num_nodes, 3, 3, zero_share)
    targets = rng.permutation(names_of(network))[: seed % 3].tolist()
    with limits(cells, chunk, merged):
        compiled = compile_network(network, targets)
        cases = []
        for _ in range(5):
            evidence = on_tables(compiled, possible_evidence(rng, network, *rng.integers(0, 4, size=2)))
            observed = [(name, str(rng.choice(network.node(name).states))) for name, _ in evidence.observed]
            cases += [evidence, Evidence(tuple(observed), evidence.unsure)]  # the second may be impossible
        assert_rows_equal_oracle(ask_all(compiled, cases), network, cases)


SHARED_LIMIT = {"hub": 300, "asia": 100, "random_0": 60, "random_3": 80, "random_4": 150}


@pytest.mark.parametrize("name", SHARED_LIMIT)
def test_shared_nodes_known_in_some_cases_and_in_part(name: str) -> None:
    network, rng = NETWORKS[name], np.random.default_rng(4)
    with limits(cells=SHARED_LIMIT[name]):
        compiled = compile_targets(network)
    shared = compiled.hub.shared
    assert len(shared) >= 2
    cases = []
    for number in range(40):
        patient = dict(possible_evidence(rng, network, len(network.nodes), 0).observed)
        known = [*rng.permutation(shared)[: number % (len(shared) + 1)], *rng.permutation(list(patient))[: number % 3]]
        observed = {str(n): patient[str(n)] for n in known}
        free = [n for n in compiled.places if n not in observed and len(network.node(n).states) == 2]
        unsure = tuple((str(n), 3.0) for n in rng.permutation(free)[: number % 2])
        cases.append(Evidence(tuple(observed.items()), unsure))
    assert_rows_equal_oracle(ask_all(compiled, cases), network, cases)


# Laws


@pytest.mark.parametrize("chunk", [1, 2, 7, 99, 100, 101])
def test_the_size_of_a_chunk_does_not_matter(model: Model, chunk: int) -> None:
    compiled = ENGINE.compiled(model.network)
    cases = clinical_cases(np.random.default_rng(5), model.network, 100)
    expected = ask_all(compiled, cases)
    with limits(chunk=chunk):
        found = ask_all(compiled, cases)
    assert_close(found.log_evidence, expected.log_evidence)
    for name in TARGETS:
        assert_close(found.posteriors[name], expected.posteriors[name])


def test_more_cases_than_one_chunk(model: Model) -> None:
    compiled = ENGINE.compiled(model.network)
    few = clinical_cases(np.random.default_rng(6), model.network, 700)
    batched = batch_of(model.network, few)
    copies, reports = 13, len(batched.report_cases)
    many = EvidenceBatch(
        batched.nodes,
        np.tile(batched.answers, copies),
        np.tile(batched.report_cases, copies) + np.repeat(np.arange(copies) * len(few), reports),
        np.tile(batched.report_nodes, copies),
        np.tile(batched.report_ratios, copies),
    )
    tables = merge_blocks(compiled)
    one, found = batch_posterior(tables, batched), batch_posterior(tables, many)
    assert many.num_cases > 2 * batch.CHUNK
    assert_close(found.log_evidence, np.tile(one.log_evidence, copies))
    for name in TARGETS:
        assert_close(found.posteriors[name], np.tile(one.posteriors[name], (copies, 1)))


@pytest.mark.parametrize("merged", [1, 9, 81, 2187, 20_000], ids="rows_{}".format)
def test_how_blocks_are_merged_does_not_matter(model: Model, merged: int) -> None:
    compiled = ENGINE.compiled(model.network)
    cases = clinical_cases(np.random.default_rng(7), model.network, 60)
    with limits(merged=merged):
        tables = merge_blocks(compiled)
    sizes = np.diff([*tables.starts, len(tables.wide.rows) - 1])
    blocks = np.diff([*compiled.starts, len(compiled.table)])
    assert sizes.max() == blocks.max() if merged <= blocks.max() else sizes.max() <= merged
    assert (len(sizes) < len(blocks)) == (merged > 1)
    found = batch_posterior(tables, batch_of(model.network, cases))
    assert_rows_equal_single(found, compiled, cases)


def test_merged_blocks_of_more_rows_than_a_short_integer_counts() -> None:
    network, rng = many_findings([(0.9 / (i + 1), 0.3) for i in range(10)]), np.random.default_rng(15)
    compiled = compile_targets(network)
    with limits(merged=3**10):
        tables = merge_blocks(compiled)
    assert len(tables.starts) == 1
    cases = [possible_evidence(rng, network, 8, 2) for _ in range(50)]
    cases = [on_tables(compiled, evidence) for evidence in cases]
    assert_rows_equal_single(batch_posterior(tables, batch_of(network, cases)), compiled, cases)


def test_order_of_cases_nodes_and_reports_does_not_matter(model: Model) -> None:
    rng, tables = np.random.default_rng(8), merge_blocks(ENGINE.compiled(model.network))
    batched = batch_of(model.network, clinical_cases(rng, model.network, 200))
    cases, nodes = rng.permutation(batched.num_cases), rng.permutation(len(batched.nodes))
    reports = rng.permutation(len(batched.report_cases))
    assert len(reports) > 50
    turned = EvidenceBatch(
        tuple(batched.nodes[i] for i in nodes),
        batched.answers[nodes][:, cases],
        np.argsort(cases)[batched.report_cases[reports]],
        np.argsort(nodes)[batched.report_nodes[reports]],
        batched.report_ratios[reports],
    )
    expected = batch_posterior(tables, batched)
    with limits(chunk=30):
        found = batch_posterior(tables, turned)
    assert_close(found.log_evidence, expected.log_evidence[cases])
    for name in TARGETS:
        assert_close(found.posteriors[name], expected.posteriors[name][cases])


def test_a_case_alone_as_among_others(model: Model) -> None:
    tables = merge_blocks(ENGINE.compiled(model.network))
    cases = clinical_cases(np.random.default_rng(9), model.network, 40)
    together = batch_posterior(tables, batch_of(model.network, cases))
    for row, evidence in enumerate(cases):
        alone = batch_posterior(tables, batch_of(model.network, [evidence]))
        assert_close(alone.log_evidence[0], together.log_evidence[row])
        for name in TARGETS:
            assert_close(alone.posteriors[name][0], together.posteriors[name][row])


def test_states_in_reverse_order_reverse_the_answer() -> None:
    other, rng = mirrored(HUB), np.random.default_rng(10)
    compiled, back = compile_targets(HUB), compile_targets(other)
    cases = [on_tables(compiled, possible_evidence(rng, HUB, 2, 2)) for _ in range(30)]
    turned = [Evidence(case.observed, tuple((name, 1 / ratio) for name, ratio in case.unsure)) for case in cases]
    expected, found = ask_all(compiled, cases), ask_all(back, turned)
    assert_close(found.log_evidence, expected.log_evidence)
    for name in ("cause", "complication"):
        assert_close(found.posteriors[name][:, ::-1], expected.posteriors[name])


def test_a_likelihood_ratio_of_one_changes_no_posterior() -> None:
    compiled = compile_targets(HUB)
    cases = [Evidence((("age", "old"), ("slump", "absent"))), Evidence(unsure=(("weak_pulse", 3.0),))]
    more = [Evidence(case.observed, (*case.unsure, ("leg_raise", 1.0))) for case in cases]
    before, after = ask_all(compiled, cases), ask_all(compiled, more)
    assert_close(after.log_evidence, before.log_evidence - math.log(2))
    assert_close(after.posteriors["cause"], before.posteriors["cause"])


def test_a_batch_and_its_tables_are_left_as_they_were(model: Model) -> None:
    tables = merge_blocks(ENGINE.compiled(model.network))
    batched = batch_of(model.network, clinical_cases(np.random.default_rng(11), model.network, 50))
    arrays = (batched.answers, batched.report_cases, batched.report_nodes, batched.report_ratios)
    copies = [array.copy() for array in arrays]
    first, second = (batch_posterior(tables, batched) for _ in range(2))
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))
    assert np.array_equal(first.log_evidence, second.log_evidence)
    for rows in (tables.narrow.rows, tables.wide.rows):
        with pytest.raises(ValueError, match="read-only"):
            rows[0] = 1.0


def test_evidence_survives_the_way_into_a_batch_and_back(model: Model) -> None:
    cases = clinical_cases(np.random.default_rng(12), model.network, 50)
    batched = batch_of(model.network, cases)
    for row, evidence in enumerate(cases):
        found = evidence_of(model.network, batched, row)
        assert dict(found.observed) == dict(evidence.observed)
        assert dict(found.unsure) == dict(evidence.unsure)


# Nothing known, nobody asked


def test_cases_without_evidence_have_the_prior(model: Model) -> None:
    found = ask_all(ENGINE.compiled(model.network), [Evidence()] * 3)
    assert_close(found.log_evidence, np.zeros(3))
    for posterior in ENGINE.query(model.network, Evidence(), TARGETS).posteriors:
        assert_close(found.posteriors[posterior.node], np.tile(posterior.probs, (3, 1)))


@pytest.mark.parametrize("nodes", [(), ("slump", "age")], ids=["no_node", "two_nodes"])
def test_a_batch_of_no_cases(nodes: tuple[str, ...]) -> None:
    none = np.zeros(0, dtype=np.intp)
    empty = EvidenceBatch(nodes, np.zeros((len(nodes), 0), dtype=np.int8), none, none, np.zeros(0))
    found = batch_posterior(merge_blocks(compile_targets(HUB)), empty)
    assert found.log_evidence.shape == (0,)
    assert {name: posterior.shape for name, posterior in found.posteriors.items()} == {
        "cause": (0, 3),
        "complication": (0, 2),
    }
    assert found.impossible == {}


def test_a_network_of_one_node_has_no_block() -> None:
    network = Network((Node("coin", BINARY),), (CPD("coin", (), [0.25, 0.75]),))
    cases = [Evidence(), Evidence((("coin", "absent"),))]
    assert_rows_equal_oracle(ask_all(compile_targets(network), cases), network, cases)


def test_a_hub_of_all_nodes_leaves_no_block() -> None:
    with limits(cells=0):
        compiled = compile_targets(HUB)
    cases = [Evidence(), Evidence((("slump", "present"), ("root_tension", "absent"))), Evidence((("age", "old"),))]
    assert_rows_equal_oracle(ask_all(compiled, cases), HUB, cases)


# Very small numbers


def present(count: int) -> Evidence:
    return Evidence(tuple((f"finding_{i}", "present") for i in range(count)))


def test_forty_findings_of_one_in_a_billion_beside_ordinary_rows() -> None:
    network = many_findings([(1e-9, 2e-9)] * 40 + [(0.9, 0.2)], prior=0.3)
    counts = [40, 0, 1, 22, 23, 33, 34, 35, 36]  # 1e-9 to the 35th is no ordinary float any more, to the 36th none
    cases = [Evidence((("finding_40", "present"),)), *(present(count) for count in counts)]
    found = ask_all(compile_targets(network), cases)
    for row, count in enumerate(counts, start=1):
        odds = 0.3 / 0.7 / 2**count
        expected = count * math.log(1e-9) + math.log(0.3 + 0.7 * 2**count)
        assert found.log_evidence[row] == pytest.approx(expected, rel=1e-14, abs=1e-13)
        assert found.posteriors["cause"][row] == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-11, abs=0)
    odds = 0.3 / 0.7 * 4.5
    assert found.posteriors["cause"][0] == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12)
    assert found.impossible == {}


def test_forty_unsure_findings_of_one_in_a_billion_beside_ordinary_rows() -> None:
    rare, ratio = 2.0**-30, 2.0**-40
    network = many_findings([(1 - rare, 1 - 2 * rare)] * 40, prior=0.3)
    reports = tuple((f"finding_{i}", ratio) for i in range(40))
    found = ask_all(compile_targets(network), [Evidence(), Evidence(unsure=reports), Evidence(unsure=reports[:1])])
    yes, no = ((ratio * (1 - absent) + absent) / (1 + ratio) for absent in (rare, 2 * rare))
    for row, count in ((0, 0), (1, 40), (2, 1)):
        expected = count * math.log(yes) + math.log(0.3 + 0.7 * (no / yes) ** count)
        assert found.log_evidence[row] == pytest.approx(expected, rel=1e-12, abs=1e-13)
        odds = 0.3 / 0.7 * (yes / no) ** count
        assert found.posteriors["cause"][row] == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-11, abs=0)


def test_tiny_rows_with_an_observed_target_or_shared_node() -> None:
    network = many_findings([(1e-9, 2e-9)] * 40, prior=0.3)
    compiled = compile_targets(network)
    known = [Evidence((*present(40).observed, ("cause", state))) for state in ("yes", "no")]
    found = ask_all(compiled, [known[0], Evidence(), known[1], present(40)])
    assert found.posteriors["cause"][[0, 2]].tolist() == [[1, 0], [0, 1]]
    assert found.log_evidence[0] == pytest.approx(40 * math.log(1e-9) + math.log(0.3), rel=1e-14)
    assert found.log_evidence[2] == pytest.approx(40 * math.log(2e-9) + math.log(0.7), rel=1e-14)


@pytest.mark.parametrize("smallest", [0.0, 1e-200, 2.0], ids=["never", "as_it_is", "always"])
def test_summing_again_gives_what_the_first_sum_gave(
    model: Model, monkeypatch: pytest.MonkeyPatch, smallest: float
) -> None:
    cases = clinical_cases(np.random.default_rng(13), model.network, 100)
    compiled = ENGINE.compiled(model.network)
    monkeypatch.setattr(batch, "SMALLEST", smallest)
    assert_rows_equal_single(ask_all(compiled, cases), compiled, cases)


# Impossible rows


IMPOSSIBLE = [
    pytest.param(
        zero_chain(),
        Evidence((("disease", "c"), ("sign", "absent"), ("crossed_sign", "present"))),
        {"sign", "crossed_sign"},
        id="crossed_without_sign",
    ),
    pytest.param(
        HUB,
        Evidence(
            (("age", "old"), ("crossed_leg_raise", "present"), ("slump", "present"), ("leg_raise", "absent")),
            (("saddle_numbness", 3.0),),
        ),
        {"leg_raise", "crossed_leg_raise"},
        id="hub_with_unsure_report",
    ),
    pytest.param(
        HUB,
        Evidence((("crossed_leg_raise", "present"), ("leg_raise", "absent")), (("slump", 1e300),)),
        {"leg_raise", "crossed_leg_raise"},
        id="unsure_report_in_the_same_block",
    ),
    pytest.param(
        asia(),
        Evidence((("smoke", "yes"), ("either", "no"), ("xray", "no"), ("tub", "yes"))),
        {"either", "tub"},
        id="asia",
    ),
    pytest.param(
        sprinkler(),
        Evidence((("wet_grass", "yes"), ("cloudy", "no"), ("rain", "no"), ("sprinkler", "no"))),
        {"wet_grass", "rain", "sprinkler"},
        id="three_that_clash",
    ),
]


@pytest.mark.parametrize(("network", "evidence", "clash"), IMPOSSIBLE)
@pytest.mark.parametrize("cells", [20, 80, 4_000_000], ids="cells_{}".format)
def test_impossible_rows_name_what_clashes_and_leave_the_others_right(
    network: Network, evidence: Evidence, clash: set[str], cells: int
) -> None:
    with limits(cells=cells):
        compiled = compile_targets(network)
    evidence, rng = on_tables(compiled, evidence), np.random.default_rng(14)
    possible = [on_tables(compiled, possible_evidence(rng, network, 2, 1)) for _ in range(4)]
    cases = [possible[0], evidence, *possible[1:3], evidence, possible[3]]
    found = ask_all(compiled, cases)
    assert_rows_equal_oracle(found, network, cases)
    assert sorted(found.impossible) == [1, 4]
    for error in found.impossible.values():
        assert isinstance(error, ImpossibleEvidence)
        assert set(error.findings) == {item for item in evidence.observed if item[0] in clash}
    for posterior in found.posteriors.values():
        assert (posterior[[1, 4]] == 0).all()
        assert_close(posterior[[0, 2, 3, 5]].sum(axis=1), np.ones(4))


def test_impossible_tiny_and_ordinary_rows_together() -> None:
    network = many_findings([(1e-9, 2e-9)] * 40 + [(0.5, 0.0), (0.0, 0.5)], prior=0.3)
    clash = Evidence((("finding_40", "present"), ("finding_41", "present")))
    tiny = Evidence((*present(40).observed, ("finding_40", "present")))
    cases = [clash, tiny, Evidence(), Evidence((*tiny.observed, ("finding_41", "present"))), present(3)]
    found = ask_all(compile_targets(network), cases)
    assert sorted(found.impossible) == [0, 3]
    assert {error.findings for error in found.impossible.values()} == {clash.observed}
    assert found.log_evidence[1] == pytest.approx(40 * math.log(1e-9) + math.log(0.15), rel=1e-14)
    assert found.posteriors["cause"][1].tolist() == [1, 0]
    assert_close(found.posteriors["cause"][2], np.array([0.3, 0.7]))
    assert_close(found.posteriors["cause"][4], np.array([0.3, 5.6]) / 5.9)


# What is refused


@pytest.mark.parametrize(
    ("evidence", "error", "message"),
    [
        pytest.param(Evidence((("leg_rase", "present"),)), UnknownName, "did you mean leg_raise", id="unknown_node"),
        pytest.param(Evidence((("slump", "absnt"),)), UnknownName, "did you mean absent", id="unknown_state"),
        pytest.param(Evidence((("slump", "present"),) * 2), BadEvidence, "twice: slump", id="twice"),
        pytest.param(Evidence((("slump", "present"),), (("slump", 2.0),)), BadEvidence, "twice", id="hard_and_unsure"),
        pytest.param(Evidence(unsure=(("slump", 2.0), ("slump", 3.0))), BadEvidence, "twice", id="twice_unsure"),
        pytest.param(Evidence(unsure=(("slump", 0.0),)), BadEvidence, "slump: expected", id="ratio_zero"),
        pytest.param(Evidence(unsure=(("slump", math.inf),)), BadEvidence, "slump: expected", id="ratio_infinite"),
        pytest.param(Evidence(unsure=(("slump", math.nan),)), BadEvidence, "slump: expected", id="ratio_nan"),
        pytest.param(Evidence(unsure=(("age", 2.0),)), BadEvidence, "two states", id="ratio_of_three_states"),
        pytest.param(Evidence((("root_tension", "present"),)), BadEvidence, "root_tension: .* elim", id="hidden"),
        pytest.param(Evidence(unsure=(("root_tension", 2.0),)), BadEvidence, "root_tension: .* elim", id="hidden_lr"),
        pytest.param(Evidence(unsure=(("complication", 2.0),)), BadEvidence, "complication: .* elim", id="target_lr"),
    ],
)
def test_bad_evidence_is_refused(evidence: Evidence, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask_all(compile_targets(HUB), [Evidence(), evidence])


def by_hand(
    answers: Mapping[str, Sequence[int]], reports: Sequence[tuple[int, int, float]] = (), nodes: Sequence[str] = ()
) -> EvidenceBatch:
    """Return a batch that `batch_of` has not checked."""
    return EvidenceBatch(
        tuple(nodes or answers),
        np.array(list(answers.values()), dtype=np.int8),
        np.array([case for case, _, _ in reports], dtype=np.intp),
        np.array([node for _, node, _ in reports], dtype=np.intp),
        np.array([ratio for _, _, ratio in reports], dtype=np.float64),
    )


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        pytest.param(by_hand({"slum": [0, 1]}), UnknownName, "did you mean slump", id="unknown_node"),
        pytest.param(by_hand({"root_tension": [0, 1]}), BadEvidence, "root_tension: .* elim", id="hidden_node"),
        pytest.param(by_hand({"slump": [0, 3]}), BadEvidence, "slump: expected answers from 0 to 2", id="answer_high"),
        pytest.param(by_hand({"slump": [-1, 1]}), BadEvidence, "slump: expected answers", id="answer_negative"),
        pytest.param(by_hand({"age": [4, 0]}), BadEvidence, "age: expected answers from 0 to 3", id="shared_high"),
        pytest.param(by_hand({"cause": [4, 0]}), BadEvidence, "cause: expected answers from 0 to 3", id="target_high"),
        pytest.param(by_hand({"slump": [0, 1]}, [(1, 0, 2.0)]), BadEvidence, "slump: .* twice", id="answer_and_report"),
        pytest.param(by_hand({"slump": [0, 1]}, [(0, 0, 0.0)]), BadEvidence, "above 0 and finite", id="ratio_zero"),
        pytest.param(by_hand({"slump": [0, 1]}, [(0, 0, -1.0)]), BadEvidence, "above 0", id="ratio_negative"),
        pytest.param(by_hand({"slump": [0, 1]}, [(0, 0, math.inf)]), BadEvidence, "above 0", id="ratio_infinite"),
        pytest.param(by_hand({"slump": [0, 1]}, [(0, 0, math.nan)]), BadEvidence, "above 0", id="ratio_nan"),
        pytest.param(by_hand({"age": [0, 1]}, [(0, 0, 2.0)]), BadEvidence, "age", id="ratio_of_three_states"),
        pytest.param(by_hand({"complication": [0]}, [(0, 0, 2.0)]), BadEvidence, "complication", id="target_report"),
        pytest.param(by_hand({"slump": [0]}, [(0, 0, 2.0), (0, 0, 3.0)]), BadEvidence, "slump", id="two_reports"),
        pytest.param(by_hand({"a": [1], "b": [1]}, nodes=("slump", "slump")), BadEvidence, "slump", id="node_twice"),
        pytest.param(by_hand({"a": [1], "b": [2]}, nodes=("age", "age")), BadEvidence, "age", id="hub_node_twice"),
        pytest.param(by_hand({"slump": [0, 0]}, [(2, 0, 2.0)]), BadEvidence, "report", id="report_of_no_case"),
        pytest.param(by_hand({"slump": [0, 0]}, [(-1, 0, 2.0)]), BadEvidence, "report", id="report_of_a_case_below_0"),
        pytest.param(by_hand({"slump": [0, 0]}, [(0, 1, 2.0)]), BadEvidence, "report", id="report_of_no_node"),
    ],
)
@pytest.mark.parametrize("cells", [1500, 4_000_000], ids=["age_shared", "no_shared_nodes"])
def test_a_bad_batch_is_refused(made: EvidenceBatch, error: type[Exception], message: str, cells: int) -> None:
    with limits(cells=cells):
        tables = merge_blocks(compile_targets(HUB))
    with pytest.raises(error, match=message):
        batch_posterior(tables, made)


# Any node


@pytest.mark.parametrize("name", ["hub", "random_1", "zero_chain", "asia"])
def test_marginals_of_every_node_equal_enumeration(name: str) -> None:
    network = NETWORKS[name]
    rng = np.random.default_rng(11)
    cases = [possible_evidence(rng, network, *KINDS[kind]) for kind in KINDS for _ in range(3)]
    tables = merge_blocks(compile_targets(network))
    hidden = {node.name for node in network.nodes if node.kind == "syndrome"}
    on_hub = {*tables.compiled.hub.nodes, *hidden}
    cases = [case for case in cases if not hidden & set(case.nodes) and not on_hub & {n for n, _ in case.unsure}]
    assert any(case.unsure for case in cases)
    for asked in sorted(set(names_of(network)) - hidden):
        found = batch_marginal(tables, batch_of(network, cases), asked)
        for row, case in zip(found, cases, strict=True):
            assert_close(row, np.array(list(oracle.posterior(network, case, asked).values())))


def test_marginals_on_the_real_network_are_those_of_the_single_question(model: Model) -> None:
    cases = clinical_cases(np.random.default_rng(5), model.network, 40)
    many = batch_of(model.network, cases)
    for asked in ("abi_low", "age", "duration_weeks", "mri_lumbar_normal", CAUSE):
        found = batch_marginal(model.batch_tables, many, asked)
        for row, case in zip(found, cases, strict=True):
            assert_close(row, ENGINE.query(model.network, case, [asked]).posteriors[0].probs)


def test_the_marginal_of_an_impossible_case_is_zeros() -> None:
    tables = merge_blocks(compile_targets(zero_chain()))
    cases = [Evidence((("sign", "absent"), ("crossed_sign", "present"))), Evidence()]
    found = batch_marginal(tables, batch_of(zero_chain(), cases), "sign")
    assert found[0].tolist() == [0, 0]
    assert found[1].sum() == pytest.approx(1)


def test_the_marginal_of_a_latent_is_refused() -> None:
    with pytest.raises(BadEvidence, match="root_tension"):
        batch_marginal(merge_blocks(compile_targets(HUB)), batch_of(HUB, [Evidence()]), "root_tension")
