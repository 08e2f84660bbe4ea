"""Small networks for tests: famous ones with their published numbers, one shaped like ours, and random ones."""

from collections.abc import Sequence

import numpy as np

from model.evidence import Evidence
from model.network import CPD, Network, Node
from model.sampling import sample as draw

YES_NO = ("yes", "no")
BINARY = ("present", "absent")


def _rows(chances: object) -> np.ndarray:
    """Return a table of two states from the chances of the first."""
    first = np.asarray(chances, dtype=float)
    return np.stack([first, 1 - first], axis=-1)


def sprinkler() -> Network:
    """Return the sprinkler network: Russell and Norvig, Artificial Intelligence: A Modern Approach, chapter 14.

    Same numbers in Murphy (1998), A brief introduction to graphical models and Bayesian networks.
    """
    nodes = [Node(name, YES_NO) for name in ("cloudy", "sprinkler", "rain", "wet_grass")]
    return Network(
        tuple(nodes),
        (
            CPD("cloudy", (), _rows(0.5)),
            CPD("sprinkler", ("cloudy",), _rows([0.1, 0.5])),
            CPD("rain", ("cloudy",), _rows([0.8, 0.2])),
            CPD("wet_grass", ("sprinkler", "rain"), _rows([[0.99, 0.9], [0.9, 0.0]])),
        ),
    )


def asia() -> Network:
    """Return the chest clinic: Lauritzen and Spiegelhalter (1988), J. R. Statist. Soc. B 50(2), 157-224, table 1."""
    names = ("asia", "tub", "smoke", "lung", "bronc", "either", "xray", "dysp")
    return Network(
        tuple(Node(name, YES_NO) for name in names),
        (
            CPD("asia", (), _rows(0.01)),
            CPD("tub", ("asia",), _rows([0.05, 0.01])),
            CPD("smoke", (), _rows(0.5)),
            CPD("lung", ("smoke",), _rows([0.1, 0.01])),
            CPD("bronc", ("smoke",), _rows([0.6, 0.3])),
            CPD("either", ("lung", "tub"), _rows([[1.0, 1.0], [1.0, 0.0]])),
            CPD("xray", ("either",), _rows([0.98, 0.05])),
            CPD("dysp", ("either", "bronc"), _rows([[0.9, 0.7], [0.8, 0.1]])),
        ),
    )


def zero_chain() -> Network:
    """Return disease -> sign -> crossed sign, where the crossed sign is impossible without the sign."""
    return Network(
        (Node("disease", ("a", "b", "c")), Node("sign", BINARY), Node("crossed_sign", BINARY)),
        (
            CPD("disease", (), [0.7, 0.2, 0.1]),
            CPD("sign", ("disease",), _rows([0.9, 0.3, 0.05])),
            CPD("crossed_sign", ("disease", "sign"), _rows([[0.3, 0.0], [0.05, 0.0], [0.02, 0.0]])),
        ),
    )


def hub() -> Network:
    """Return a network shaped like ours: cause and complication, age, a latent, its findings, one bound by logic."""
    tension = np.array([[[0.95, 0.80], [0.90, 0.70], [0.85, 0.50]], [[0.4, 0.1], [0.3, 0.08], [0.2, 0.05]]])
    tension = np.stack([tension, tension / 2, tension / 3])  # cause, complication, age, latent
    return Network(
        (
            Node("cause", ("disc", "stenosis", "tumour"), "Cause", "cause"),
            Node("complication", BINARY, "Complication", "complication"),
            Node("age", ("young", "middle", "old"), "Age", "context"),
            Node("root_tension", BINARY, "Root tension", "syndrome"),
            Node("leg_raise", BINARY, "Leg raise", "finding"),
            Node("slump", BINARY, "Slump", "finding"),
            Node("crossed_leg_raise", BINARY, "Crossed leg raise", "finding"),
            Node("saddle_numbness", BINARY, "Saddle numbness", "finding"),
            Node("weak_pulse", BINARY, "Weak pulse", "finding"),
        ),
        (
            CPD("cause", (), [0.8, 0.19, 0.01]),
            CPD("complication", ("cause",), _rows([0.02, 0.005, 0.1])),
            CPD("age", ("cause",), [[0.3, 0.5, 0.2], [0.02, 0.28, 0.7], [0.1, 0.4, 0.5]]),
            CPD("root_tension", ("cause",), _rows([0.8, 0.3, 0.4])),
            CPD("leg_raise", ("cause", "complication", "age", "root_tension"), _rows(tension)),
            CPD("slump", ("cause", "root_tension"), _rows([[0.9, 0.5], [0.6, 0.2], [0.7, 0.2]])),
            CPD("crossed_leg_raise", ("cause", "leg_raise"), _rows([[0.3, 0.0], [0.1, 0.0], [0.1, 0.0]])),
            CPD("saddle_numbness", ("cause", "complication"), _rows([[0.75, 0.01], [0.75, 0.01], [0.7, 0.02]])),
            CPD("weak_pulse", ("cause", "age"), _rows([[0.01, 0.03, 0.1], [0.02, 0.06, 0.2], [0.01, 0.04, 0.15]])),
        ),
    )


def many_findings(chances: Sequence[tuple[float, float]], prior: float = 0.3) -> Network:
    """Return a binary cause and one finding for each pair P(finding | cause), P(finding | no cause)."""
    names = [f"finding_{i}" for i in range(len(chances))]
    return Network(
        (Node("cause", YES_NO), *(Node(name, BINARY) for name in names)),
        (
            CPD("cause", (), _rows(prior)),
            *(CPD(name, ("cause",), _rows(pair)) for name, pair in zip(names, chances, strict=True)),
        ),
    )


def random_network(
    rng: np.random.Generator, num_nodes: int, max_states: int, max_parents: int, zero_share: float
) -> Network:
    """Return a random network, its nodes given in random order.

    About `zero_share` of all entries are logical zeros; the largest of a row never is. The first node of the
    construction, a root, has two states.
    """
    names = [f"node_{i}" for i in range(num_nodes)]
    sizes = {name: int(rng.integers(2, max_states + 1)) for name in names} | {names[0]: 2}
    nodes = [Node(name, tuple(f"state_{i}" for i in range(sizes[name]))) for name in names]
    cpds = []
    for i, name in enumerate(names):
        count = int(rng.integers(0, min(max_parents, i) + 1))
        parents = tuple(str(parent) for parent in rng.choice(names[:i], size=count, replace=False)) if count else ()
        table = rng.dirichlet(np.ones(sizes[name]), size=[sizes[parent] for parent in parents])
        drop = (rng.random(table.shape) < zero_share) & (table < table.max(axis=-1, keepdims=True))
        table = np.where(drop, 0.0, table)
        cpds.append(CPD(name, parents, table / table.sum(axis=-1, keepdims=True)))
    order = rng.permutation(num_nodes)
    return Network(tuple(nodes[i] for i in order), tuple(cpds[i] for i in rng.permutation(num_nodes)))


def sample(rng: np.random.Generator, network: Network) -> dict[str, str]:
    """Return one patient: a state for every node, drawn parents first."""
    drawn: dict[str, int] = {}
    for cpd in network.cpds:
        row = cpd.table[tuple(drawn[parent] for parent in cpd.parents)]
        drawn[cpd.node] = int(rng.choice(len(row), p=row / row.sum()))
    return {name: network.node(name).states[index] for name, index in drawn.items()}


def possible_evidence(rng: np.random.Generator, network: Network, num_hard: int, num_unsure: int) -> Evidence:
    """Return evidence that some patient has: so many observed nodes, and at most so many unsure two-state ones."""
    patient = sample(rng, network)
    names = [str(name) for name in rng.permutation([node.name for node in network.nodes])]
    hard, rest = names[:num_hard], names[num_hard:]
    unsure = [name for name in rest if len(network.node(name).states) == 2][:num_unsure]
    return Evidence(
        tuple((name, patient[name]) for name in hard),
        tuple((name, float(np.exp(rng.normal(0, 2)))) for name in unsure),
    )


def clinical_cases(rng: np.random.Generator, network: Network, size: int) -> list[Evidence]:
    """Return what a clinic would know of drawn patients of the full network.

    Age and sex mostly known, duration in 70 %, 1 to 30 findings, up to three of them unsure in a third of patients; in
    one of twenty no context at all.
    """
    patients = draw(network, size, rng)
    findings = [node.name for node in network.nodes if node.kind == "finding"]
    context_known = {"age": 0.95, "sex": 0.95, "duration_weeks": 0.7}
    found = []
    for patient in range(size):
        known = [] if rng.random() < 0.05 else [name for name, share in context_known.items() if rng.random() < share]
        chosen = [str(name) for name in rng.choice(findings, rng.integers(1, 31), replace=False)]
        cut = int(rng.integers(1, 4)) if rng.random() < 1 / 3 else 0
        observed = [(name, network.node(name).states[patients[name][patient]]) for name in (*known, *chosen[cut:])]
        unsure = [(name, float(np.exp(rng.normal(0, 2)))) for name in chosen[:cut]]
        found.append(Evidence(tuple(observed), tuple(unsure)))
    return found


def mirrored(network: Network) -> Network:
    """Return the same network with the states of every node in reverse order."""
    nodes = [Node(node.name, node.states[::-1], node.label, node.kind) for node in network.nodes]
    return Network(tuple(nodes), tuple(CPD(cpd.node, cpd.parents, np.flip(cpd.table)) for cpd in network.cpds))


def toy_networks() -> dict[str, Network]:
    """Return every toy network by name: the grid on which the laws are tested."""
    named = {"sprinkler": sprinkler(), "asia": asia(), "zero_chain": zero_chain(), "hub": hub()}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        named[f"random_{seed}"] = random_network(rng, 6, max_states=4, max_parents=3, zero_share=0.25 * (seed % 2))
    return named
