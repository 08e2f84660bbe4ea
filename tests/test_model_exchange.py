"""An exported network, read by other tools, is the same network."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyagrum as gum
import pytest
from networks import asia, hub, random_network
from pgmpy.readwrite import BIFReader, NETReader, XDSLReader, XMLBIFReader

from model import Case, Model
from model.case import stages
from model.elimination import EliminationEngine
from model.errors import ModelError, UnknownName
from model.evidence import Evidence, likelihood_vector
from model.exchange import FORMATS, export_network, network_text
from model.files import replacing
from model.network import CPD, Network, Node
from priors.records import CAUDA_EQUINA, CAUSE

READERS: dict[str, Callable[[str], Any]] = {
    "bif": BIFReader,
    "xmlbif": XMLBIFReader,
    "xdsl": XDSLReader,
    "net": NETReader,
}


def small_numbers() -> Network:
    """Return a network whose numbers are short of no digit: tiny ones, thirds, a zero, three states."""
    child = [[[1e-13, 1 - 1e-13], [1 / 7, 6 / 7]], [[0.0, 1.0], [1 / 3, 2 / 3]], [[3e-5, 1 - 3e-5], [0.5, 0.5]]]
    return Network(
        (Node("first", ("a", "b", "c")), Node("second", ("yes", "no")), Node("third", ("present", "absent"))),
        (
            CPD("first", (), [1e-12, 1 / 3, 1 - 1 / 3 - 1e-12]),
            CPD("second", ("first",), [[0.1, 0.9], [1 / 9, 8 / 9], [1e-300, 1.0]]),
            CPD("third", ("first", "second"), child),
        ),
    )


TOYS = {
    "asia": asia(),
    "hub": hub(),
    "small_numbers": small_numbers(),
    "random": random_network(np.random.default_rng(3), 8, 4, 3, 0.2),
}


def assert_same(network: Network, read: Any, tolerance: float) -> None:
    """Compare a pgmpy network with ours: names, order of states, parent sets, every number."""
    assert set(read.nodes()) == set(network.by_name)
    assert set(read.edges()) == {(parent, cpd.node) for cpd in network.cpds for parent in cpd.parents}
    for cpd in network.cpds:
        theirs = read.get_cpds(cpd.node)
        assert set(theirs.variables) == set(cpd.scope)
        for name in cpd.scope:
            assert tuple(theirs.state_names[name]) == network.node(name).states
        table = np.transpose(theirs.values, [theirs.variables.index(name) for name in cpd.scope])
        assert np.abs(table - cpd.table).max() <= tolerance, cpd.node


# Read again


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_toy_network_reads_back_the_same(tmp_path: Path, file_format: str, name: str) -> None:
    path = tmp_path / f"network.{file_format}"
    export_network(TOYS[name], file_format, path)
    assert_same(TOYS[name], READERS[file_format](str(path)).get_model(), 1e-12)


@pytest.mark.parametrize("file_format", [name for name in FORMATS if name != "net"])
def test_the_full_network_reads_back_the_same(tmp_path: Path, model: Model, file_format: str) -> None:
    path = tmp_path / f"network.{file_format}"
    export_network(model.network, file_format, path)
    assert_same(model.network, READERS[file_format](str(path)).get_model(), 1e-12)


def test_a_part_of_the_network_reads_back_the_same_from_net(tmp_path: Path, model: Model) -> None:
    """One finding of each make: pgmpy's NET parser takes minutes for all of our tables (pyAgrum reads them below)."""
    findings = ("fever", "straight_leg_raise_positive", "crossed_slr_positive", "minor_trauma", "saddle_anaesthesia")
    names = model.network.ancestors((*findings, "esr_over_50", "not_improved_after_one_month"))
    part = Network(
        tuple(node for node in model.network.nodes if node.name in names),
        tuple(cpd for cpd in model.network.cpds if cpd.node in names),
    )
    assert len(part.nodes) > 14
    path = tmp_path / "network.net"
    export_network(part, "net", path)
    assert_same(part, READERS["net"](str(path)).get_model(), 1e-12)


@pytest.mark.parametrize("file_format", FORMATS)
def test_numbers_keep_their_last_digit(tmp_path: Path, file_format: str) -> None:
    # The docstring of network_text: "Every number to the last digit".
    path = tmp_path / f"network.{file_format}"
    export_network(small_numbers(), file_format, path)
    assert_same(small_numbers(), READERS[file_format](str(path)).get_model(), 0.0)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_tiny_probability_does_not_become_a_logical_zero(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / f"network.{file_format}"
    network = Network((Node("a", ("x", "y")),), (CPD("a", (), [1e-17, 1.0]),))
    export_network(network, file_format, path)
    assert READERS[file_format](str(path)).get_model().get_cpds("a").values[0] > 0


# Read by another program


# Dyspnoea in the chest clinic as GeNIe itself writes it: P(present) is 0.1 without either disease, 0.8 with
# bronchitis alone, 0.7 with the other alone, 0.9 with both (Lauritzen and Spiegelhalter 1988). So in XDSL the first
# parent runs slowest; SMILE's manual says the same ("the most significant coordinate is the first parent").
GENIE_ROWS = "0.9 0.1 0.2 0.8 0.3 0.7 0.1 0.9"
GENIE_FILE = f"""<?xml version="1.0" encoding="UTF-8"?>
<smile version="1.0" id="Asia"><nodes>
<cpt id="either"><state id="no" /><state id="yes" /><probabilities>0.5 0.5</probabilities></cpt>
<cpt id="bronc"><state id="no" /><state id="yes" /><probabilities>0.5 0.5</probabilities></cpt>
<cpt id="dysp"><state id="no" /><state id="yes" /><parents>either bronc</parents>
<probabilities>{GENIE_ROWS}</probabilities></cpt>
</nodes><extensions><genie version="1.0"><node id="either"><name>either</name></node>
<node id="bronc"><name>bronc</name></node><node id="dysp"><name>dysp</name></node></genie></extensions></smile>
"""


def load_xdsl(path: Path) -> Any:
    """Return an XDSL file as pyAgrum reads it, with parents listed the way its reader takes them.

    pyAgrum 2.2.1 and 3.3.1 read the first parent as the fastest, against GeNIe; such a reader gets them in reverse.
    """
    genie = path.with_name("genie.xdsl")
    genie.write_text(GENIE_FILE, encoding="utf-8")
    clinic = gum.loadBN(str(genie))  # kept: a table outlives its network only by crashing
    bronchitis_alone = clinic.cpt("dysp")[{"either": "no", "bronc": "yes", "dysp": "yes"}]
    tree = ElementTree.parse(path)
    if bronchitis_alone != pytest.approx(0.8):
        for parents in tree.iterfind("./nodes/cpt/parents"):
            parents.text = " ".join(reversed((parents.text or "").split()))
    turned = path.with_name("turned.xdsl")
    tree.write(turned, encoding="utf-8", xml_declaration=True)
    return gum.loadBN(str(turned))


def load_bif(path: Path) -> Any:
    return gum.loadBN(str(path))


def load_xmlbif(path: Path) -> Any:
    """Return an XMLBIF file as pyAgrum reads it, which knows the format by the ending bifxml."""
    renamed = path.with_suffix(".bifxml")
    renamed.write_bytes(path.read_bytes())
    return gum.loadBN(str(renamed))


def pyagrum_posterior(read: Any, network: Network, evidence: Evidence, name: str) -> list[float]:
    engine = gum.LazyPropagation(read)
    known = dict(evidence.observed) | {node: likelihood_vector(ratio).tolist() for node, ratio in evidence.unsure}
    engine.setEvidence(known)
    engine.makeInference()
    return [engine.posterior(name)[{name: state}] for state in network.node(name).states]


def test_pyagrum_reads_the_whole_network_from_net(tmp_path: Path, model: Model) -> None:
    """Its reader keeps eight digits."""
    path = tmp_path / "network.net"
    export_network(model.network, "net", path)
    read = gum.loadBN(str(path))
    assert set(read.names()) == set(model.network.by_name)
    evidence = Evidence((("night_pain", "present"), ("crossed_slr_positive", "present"), ("esr_over_50", "absent")))
    ours = EliminationEngine().query(model.network, evidence, ("cause",)).posteriors[0].probs
    assert pyagrum_posterior(read, model.network, evidence, "cause") == pytest.approx(ours.tolist(), abs=1e-6)


def pieces_of_evidence(model: Model, case: Case) -> list[Evidence]:
    found = [stage.evidence for stage in stages(case, model.priors.structure)]
    unsure = (("night_pain", 3.0), ("straight_leg_raise_positive", 0.2), ("weight_loss", 8.0))
    hard = (("sex", "female"), ("urinary_retention", "present"), ("mri_lumbar_normal", "absent"))
    return [Evidence(), *found, Evidence(hard, unsure), Evidence(unsure=unsure)]


@pytest.mark.parametrize(
    ("file_format", "load", "tolerance"),
    [("xmlbif", load_xmlbif, 1e-9), ("xdsl", load_xdsl, 1e-9), ("bif", load_bif, 1e-6)],
    ids=["xmlbif", "xdsl", "bif"],
)
def test_pyagrum_gives_the_same_posteriors(
    tmp_path: Path,
    model: Model,
    seed_case: Case,
    file_format: str,
    load: Callable[[Path], Any],
    tolerance: float,
) -> None:
    # pyAgrum keeps about eight digits of a BIF file, hence the wider tolerance.
    path = tmp_path / f"network.{file_format}"
    export_network(model.network, file_format, path)
    read = load(path)
    for evidence in pieces_of_evidence(model, seed_case):
        answer = EliminationEngine().query(model.network, evidence, [CAUSE, CAUDA_EQUINA, "fever"])
        for posterior in answer.posteriors:
            theirs = pyagrum_posterior(read, model.network, evidence, posterior.node)
            assert theirs == pytest.approx(posterior.probs.tolist(), abs=tolerance)


@pytest.mark.parametrize("name", [*TOYS, "full"])
@pytest.mark.parametrize(
    ("file_format", "load"),
    [("bif", load_bif), ("net", load_bif), ("xmlbif", load_xmlbif), ("xdsl", load_xdsl)],
    ids=["bif", "net", "xmlbif", "xdsl"],
)
def test_pyagrum_reads_every_name_unchanged(
    tmp_path: Path, model: Model, file_format: str, load: Callable[[Path], Any], name: str
) -> None:
    network = model.network if name == "full" else TOYS[name]
    path = tmp_path / f"network.{file_format}"
    export_network(network, file_format, path)
    read = load(path)
    assert set(read.names()) == set(network.by_name)
    for node in network.nodes:
        assert read.variable(node.name).labels() == node.states
        parents = {read.variable(parent).name() for parent in read.parents(node.name)}
        assert parents == set(network.cpd_of[node.name].parents)


def test_xdsl_lists_rows_in_the_order_of_genie(tmp_path: Path) -> None:
    # The chest clinic with its states turned as in GeNIe's own file gives GeNIe's own row of numbers.
    names, states = ("either", "bronc", "dysp"), ("no", "yes")
    dyspnoea = [[[0.9, 0.1], [0.2, 0.8]], [[0.3, 0.7], [0.1, 0.9]]]
    network = Network(
        tuple(Node(name, states) for name in names),
        (CPD("either", (), [0.5, 0.5]), CPD("bronc", (), [0.5, 0.5]), CPD("dysp", ("either", "bronc"), dyspnoea)),
    )
    node = ElementTree.fromstring(network_text(network, "xdsl")).find("./nodes/cpt[@id='dysp']")
    assert node is not None
    assert node.findtext("parents") == "either bronc"
    assert [float(x) for x in (node.findtext("probabilities") or "").split()] == [float(x) for x in GENIE_ROWS.split()]


def test_xdsl_keeps_the_node_names_as_ids(model: Model) -> None:
    nodes = ElementTree.fromstring(network_text(model.network, "xdsl")).findall("./nodes/cpt")
    assert [node.get("id") for node in nodes] == [node.name for node in model.network.nodes]
    for node in nodes:
        assert tuple((node.findtext("parents") or "").split()) == model.network.cpd_of[str(node.get("id"))].parents
        assert (
            tuple(state.get("id") for state in node.findall("state")) == model.network.node(str(node.get("id"))).states
        )


def test_xdsl_lays_out_every_node_in_a_place_of_its_own(model: Model) -> None:
    nodes = ElementTree.fromstring(network_text(model.network, "xdsl")).findall("./extensions/genie/node")
    assert {node.get("id") for node in nodes} == set(model.network.by_name)
    assert len({node.findtext("position") for node in nodes}) == len(model.network.nodes)


# Deterministic


@pytest.mark.parametrize("file_format", FORMATS)
def test_two_exports_in_one_run_are_identical(tmp_path: Path, file_format: str) -> None:
    for name in ("one", "two"):
        export_network(hub(), file_format, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


SCRIPT = """
import sys
from pathlib import Path
from model import load_model
from model.exchange import FORMATS, export_network
network = load_model().network
for name in FORMATS:
    export_network(network, name, Path(sys.argv[1]) / name)
"""


def test_another_process_writes_identical_bytes(tmp_path: Path, root: Path, model: Model) -> None:
    # Another order of sets (PYTHONHASHSEED) and another locale must not show.
    settings = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)]
    subprocess.run(command, cwd=root, env=os.environ | settings, check=True, capture_output=True)
    for name in FORMATS:
        assert (tmp_path / name).read_bytes() == network_text(model.network, name).encode(), name


# What can go wrong


def test_an_unknown_format_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown format 'xdls'; did you mean xdsl\?"):
        export_network(hub(), "xdls", tmp_path / "network.xdls")
    assert list(tmp_path.iterdir()) == []


def missing_folder(tmp_path: Path) -> Path:
    return tmp_path / "nowhere" / "network.bif"


def a_folder(tmp_path: Path) -> Path:
    (tmp_path / "network.bif").mkdir()
    return tmp_path / "network.bif"


def under_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("not a folder")
    return tmp_path / "file" / "network.bif"


def too_long(tmp_path: Path) -> Path:
    return tmp_path / ("n" * 300)


@pytest.mark.parametrize("place", [missing_folder, a_folder, under_a_file, too_long], ids=lambda f: f.__name__)
def test_an_unwritable_place_is_an_error_and_leaves_nothing(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError, match="cannot write"):
        export_network(hub(), "bif", path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_existing_file_is_replaced_whole(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "network"
    path.write_text("old" * 100_000)
    export_network(hub(), file_format, path)
    assert path.read_text(encoding="utf-8") == network_text(hub(), file_format)
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "network"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as handle:
            handle.write("new, but only ha")
            handle.flush()
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_profile_exports_the_numbers_of_another(tmp_path: Path, models: Mapping[str, Model]) -> None:
    for profile, model in models.items():
        export_network(model.network, "xmlbif", tmp_path / profile)
        read = XMLBIFReader(str(tmp_path / profile)).get_model()
        assert read.get_cpds(CAUSE).values == pytest.approx(model.network.cpd_of[CAUSE].table, abs=1e-12)
