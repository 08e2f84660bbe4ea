"""The two constructions keep the stated number, whatever age or a latent do around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.rows import age_rows, latent_rows

logits = st.floats(-20, 20)
strengths = st.floats(0, 0.95)
seeds = st.integers(0, 2**32 - 1)


def expit(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def odds(p: np.ndarray) -> np.ndarray:
    return p / (1 - p)


# Age


@given(logit=logits, seed=seeds, bands=st.integers(1, 8), spread=st.floats(0, 12))
def test_the_average_over_age_stays(logit: float, seed: int, bands: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    m, shares = np.array(expit(logit)), rng.dirichlet(np.ones(bands))
    mu = age_rows(m, shares, np.exp(rng.uniform(-spread, spread, bands)))
    assert float(shares @ mu) == pytest.approx(float(m), abs=1e-12)
    assert ((mu > 0) & (mu <= 1)).all()


@pytest.mark.parametrize("m", [1e-9, 1e-4, 0.5, 0.9999, 1 - 1e-9])
@pytest.mark.parametrize(
    "multipliers",
    [[1, 1, 1], [1e-6, 1, 1e6], [1e6, 1e6, 1e6], [1e-9, 1e-9, 1], [1, 100, 0.01]],
    ids=["none", "steep", "all_large", "one_apart", "up_and_down"],
)
@pytest.mark.parametrize("shares", [[0.2, 0.5, 0.3], [1e-6, 1 - 2e-6, 1e-6], [0, 0.4, 0.6]], ids=str)
def test_the_average_over_age_stays_in_extremes(m: float, multipliers: list[float], shares: list[float]) -> None:
    mu = age_rows(np.array(m), np.array(shares), np.array(multipliers, dtype=float))
    assert float(np.dot(shares, mu)) == pytest.approx(m, abs=1e-12)


@given(logit=st.floats(-9, 5), seed=seeds, bands=st.integers(2, 8))
def test_age_multiplies_the_odds_as_stated(logit: float, seed: int, bands: int) -> None:
    rng = np.random.default_rng(seed)
    multipliers = np.exp(rng.uniform(-4, 4, bands))
    mu = age_rows(np.array(expit(logit)), rng.dirichlet(np.ones(bands)), multipliers)
    assert odds(mu) / odds(mu[0]) == pytest.approx(multipliers / multipliers[0], rel=1e-9)


@given(logit=st.floats(-9, 9), seed=seeds, factor=st.floats(1e-3, 1e3))
def test_only_the_ratio_between_multipliers_counts(logit: float, seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    m, shares, multipliers = np.array(expit(logit)), rng.dirichlet(np.ones(4)), np.exp(rng.uniform(-3, 3, 4))
    assert age_rows(m, shares, factor * multipliers) == pytest.approx(age_rows(m, shares, multipliers), abs=1e-12)


def test_without_an_age_effect_every_band_has_the_stated_number() -> None:
    assert age_rows(np.array(0.3), np.array([0.2, 0.8]), np.ones(2)) == pytest.approx([0.3, 0.3], abs=1e-15)


def test_two_bands_by_hand() -> None:
    # Half the patients in each band, odds ratio 9: mu = 0.25 and 0.75 have odds 1/3 and 3, and average 0.5.
    assert age_rows(np.array(0.5), np.array([0.5, 0.5]), np.array([1.0, 9.0])) == pytest.approx([0.25, 0.75])


def test_age_rows_of_an_array_are_those_of_its_entries() -> None:
    rng = np.random.default_rng(1)
    m, shares = rng.uniform(0.01, 0.99, (5, 2)), rng.dirichlet(np.ones(3), 5)
    multipliers = np.exp(rng.normal(0, 1, (5, 3)))
    together = age_rows(m, shares[:, None, :], multipliers[:, None, :])
    assert together.shape == (5, 2, 3)
    for i, j in np.ndindex(5, 2):
        assert together[i, j] == pytest.approx(age_rows(m[i, j], shares[i], multipliers[i]), abs=1e-15)


# Latent


@given(mu=logits, pi=logits, s=strengths)
def test_the_average_over_the_latent_stays(mu: float, pi: float, s: float) -> None:
    m, share = expit(mu), expit(pi)
    rows = latent_rows(np.array(m), np.array(share), np.array(s))
    assert float(share * rows[0] + (1 - share) * rows[1]) == pytest.approx(m, rel=1e-12)


@given(mu=logits, pi=logits, s=strengths)
def test_no_row_reaches_zero_or_one(mu: float, pi: float, s: float) -> None:
    rows = latent_rows(np.array(expit(mu)), np.array(expit(pi)), np.array(s))
    assert 0 < rows[1] <= rows[0] < 1


@given(mu=logits, pi=logits)
def test_strength_zero_is_independence(mu: float, pi: float) -> None:
    rows = latent_rows(np.array(expit(mu)), np.array(expit(pi)), np.array(0.0))
    assert rows.tolist() == [expit(mu), expit(mu)]


@given(mu=st.floats(-9, 9), pi=st.floats(-9, 9), s=st.floats(0.01, 0.9))
def test_more_strength_moves_the_rows_further_apart(mu: float, pi: float, s: float) -> None:
    weak, strong = (latent_rows(np.array(expit(mu)), np.array(expit(pi)), np.array(x)) for x in (s, s + 0.05))
    assert strong[0] > weak[0] > weak[1] > strong[1]


@pytest.mark.parametrize(
    ("mu", "pi", "rows"),
    [
        pytest.param(0.2, 0.5, [0.4, 0.0], id="rare_finding_never_without_the_latent"),
        pytest.param(0.8, 0.5, [1.0, 0.6], id="common_finding_always_with_the_latent"),
        pytest.param(0.3, 0.3, [1.0, 0.0], id="finding_is_the_latent"),
    ],
)
def test_full_strength_is_the_bound(mu: float, pi: float, rows: list[float]) -> None:
    assert latent_rows(np.array(mu), np.array(pi), np.array(1.0)) == pytest.approx(rows, abs=1e-15)


def test_half_strength_by_hand() -> None:
    # mu 0.2, pi 0.4: min(0.2 / 0.4, 0.8 / 0.6) = 0.5, half of it 0.25; 0.2 + 0.6 * 0.25 and 0.2 - 0.4 * 0.25.
    assert latent_rows(np.array(0.2), np.array(0.4), np.array(0.5)) == pytest.approx([0.35, 0.1], abs=1e-15)


def test_latent_rows_of_an_array_are_those_of_its_entries() -> None:
    rng = np.random.default_rng(2)
    mu, pi, s = rng.uniform(0.01, 0.99, (4, 2, 3)), rng.uniform(0.1, 0.9, 4), rng.uniform(0, 0.95, 4)
    together = latent_rows(mu, pi[:, None, None], s[:, None, None])
    assert together.shape == (2, 4, 2, 3)
    for index in np.ndindex(4, 2, 3):
        alone = latent_rows(mu[index], pi[index[0]], s[index[0]])
        assert together[(slice(None), *index)] == pytest.approx(alone, abs=1e-15)


# Both


@given(logit=st.floats(-9, 9), pi=st.floats(-5, 5), s=strengths, seed=seeds)
def test_age_and_latent_together_keep_the_stated_number(logit: float, pi: float, s: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, share, ages = expit(logit), expit(pi), rng.dirichlet(np.ones(6))
    rows = latent_rows(age_rows(np.array(m), ages, np.exp(rng.normal(0, 1.5, 6))), np.array(share), np.array(s))
    assert float(np.array([share, 1 - share]) @ rows @ ages) == pytest.approx(m, abs=1e-12)
    assert ((rows > 0) & (rows < 1)).all()
