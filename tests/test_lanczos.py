from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import AnyArray, Float64, Floats
from lossatlas.curvature import lanczos
from lossatlas.curvature.lanczos import MOST_VECTORS, find_extremes
from lossatlas.errors import LossAtlasError


@dataclass
class Matrices:
    """Symmetric matrices ``[B, P, P]`` that count the products with them."""

    values: Float64
    count: list[int] = field(default_factory=lambda: [0])

    def products(self, vectors: Floats) -> Floats:
        self.count[0] += 1
        products: Floats = (self.values @ vectors[..., None])[..., 0]
        return products

    def select(self, models: AnyArray) -> Matrices:
        return Matrices(self.values[models], self.count)


def with_spectrum(*spectra: AnyArray, seed: int = 0) -> Matrices:
    """Make matrices with known eigenvalues and random orthonormal eigenvectors."""
    rng = np.random.default_rng(seed)
    axes = [np.linalg.qr(rng.normal(size=(len(spectrum), len(spectrum))))[0] for spectrum in spectra]
    values = np.array([axis * spectrum @ axis.T for axis, spectrum in zip(axes, spectra, strict=True)])
    return Matrices((values + values.swapaxes(1, 2)) / 2)


def ends_of(matrices: Matrices, tolerance: float = 1e-8) -> Float64:
    start = np.random.default_rng(1).normal(size=matrices.values.shape[1:2])
    return np.array(find_extremes(matrices, len(matrices.values), start, tolerance))


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_both_extreme_eigenvalues_are_numpys(size: int, count: int, seed: int, exponent: float) -> None:
    spectra = 10**exponent * np.random.default_rng(seed).standard_cauchy((count, size))
    matrices = with_spectrum(*spectra, seed=seed)
    exact = np.linalg.eigvalsh(matrices.values)
    scale = np.abs(exact).max(axis=1)
    assert (np.abs(ends_of(matrices) - exact[:, [0, -1]].T) <= 1e-12 * scale).all()


def test_power_iteration_that_stops_after_one_step__the_largest_eigenpair_is_exact() -> None:
    """The largest eigenvalue is found to twelve digits even if the next one is near, and so is a small smallest one."""
    spectrum = np.concatenate([[-0.01], np.linspace(0, 0.95, 97), [0.97, 1.0]])
    matrices = with_spectrum(spectrum)
    np.testing.assert_allclose(ends_of(matrices).ravel(), [-0.01, 1.0], atol=1e-12)
    first = np.random.default_rng(1).normal(size=100)
    one_step = first @ matrices.values[0] @ first / (first @ first)
    assert abs(one_step - 1) > 0.3, "a single step would have given another number"


def test_a_full_space_continues_after_a_restart() -> None:
    spectrum = np.linspace(-1, 1, 900)  # the gaps are a thousandth of the whole range
    matrices = with_spectrum(spectrum)
    np.testing.assert_allclose(ends_of(matrices).ravel(), [-1, 1], atol=1e-10)
    assert matrices.count[0] > MOST_VECTORS + 1


def test_a_looser_tolerance_takes_fewer_products_and_is_kept() -> None:
    spectrum = np.concatenate([[-0.2], np.linspace(-0.1, 0.5, 297), [0.9, 1.0]])
    counts = []
    for tolerance in (1e-2, 1e-4, 1e-8):
        matrices = with_spectrum(spectrum)
        assert (np.abs(ends_of(matrices, tolerance).ravel() - [-0.2, 1.0]) <= tolerance).all()
        counts.append(matrices.count[0])
    assert counts == sorted(set(counts))


@pytest.mark.parametrize(
    ("spectrum", "ends"),
    [
        (np.zeros(30), [0, 0]),
        (np.full(30, 2.5), [2.5, 2.5]),
        (np.r_[np.zeros(28), 1.0, 3.0], [0, 3]),
        (np.r_[np.zeros(28), -1.0, -3.0], [-3, 0]),
        (np.r_[np.full(15, -2.0), np.full(15, 4.0)], [-2, 4]),
        (np.array([-7.0]), [-7, -7]),
    ],
    ids=["zero", "identity", "rank 2", "negative, rank 2", "two eigenvalues", "one parameter"],
)
def test_a_space_that_closes_early_has_the_eigenvalues(spectrum: Float64, ends: list[float]) -> None:
    matrices = with_spectrum(spectrum)
    np.testing.assert_allclose(ends_of(matrices).ravel(), ends, atol=1e-12)
    if len(spectrum) > 1:
        # it does not change while another operator continues
        both = with_spectrum(spectrum, np.linspace(-1, 5, len(spectrum)))
        np.testing.assert_allclose(ends_of(both)[:, 0], ends, atol=1e-12)


def test_the_others_in_a_batch_do_not_change_a_bit() -> None:
    rng = np.random.default_rng(5)
    matrices = with_spectrum(*rng.standard_cauchy((9, 60)), *rng.normal(size=(3, 60)), np.r_[np.zeros(58), 1, 2])
    together = ends_of(matrices, 1e-6)
    for model in range(len(matrices.values)):
        assert (ends_of(Matrices(matrices.values[[model]]), 1e-6)[:, 0] == together[:, model]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_a_product_that_is_not_finite_gives_no_number_and_leaves_the_others_alone(value: float) -> None:
    matrices = with_spectrum(np.linspace(-1, 2, 20), np.linspace(-3, 5, 20))
    matrices.values[0] *= value  # the length of a vector of 1e200 overflows
    ends = ends_of(matrices)
    assert np.isnan(ends[:, 0]).all()
    np.testing.assert_allclose(ends[:, 1], [-3, 5], rtol=1e-12)


def test_an_iteration_that_does_not_converge_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanczos, "_MOST_RESTARTS", 0)
    with pytest.raises(LossAtlasError, match=r"1 of 1 Hessians are not known to 1e-10 .* larger tolerance"):
        ends_of(with_spectrum(np.linspace(-1, 1, 900)), 1e-10)
