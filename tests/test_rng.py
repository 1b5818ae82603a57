from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from lossatlas.rng import Draws, Stream
from tests.support.oracles import philox4x64, philox_doubles

SEEDS = st.integers(0, 2**53 - 1)


def test_the_oracle_gives_the_published_known_answers() -> None:
    # Random123, examples/kat_vectors: "philox4x64 10"
    ones = 2**64 - 1
    assert philox4x64((0, 0, 0, 0), (0, 0)) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]
    assert philox4x64((ones,) * 4, (ones,) * 2) == [
        0x87B092C3013FE90B,
        0x438C3C67BE8D0224,
        0x9CC7D7C69CD777B6,
        0xA09CAEBF594F0BA0,
    ]


@pytest.mark.parametrize("stream", Stream)
@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_uniforms_are_the_upper_53_bits_of_philox_words(seed: int, stream: Stream) -> None:
    assert Draws(seed, stream).uniform(103).tolist() == list(islice(philox_doubles(seed, stream), 103))


def test_draws_continue_where_the_last_ones_ended_for_any_shape() -> None:
    draws = Draws(11, Stream.POINTS)
    parts = [draws.uniform(3).ravel(), draws.uniform(2, 5).ravel(), draws.uniform().ravel(), draws.uniform(7)]
    assert np.concatenate(parts).tolist() == Draws(11, Stream.POINTS).uniform(21).tolist()


def test_the_numbers_of_streams_never_change() -> None:
    # the numbers are part of the run format: another number would change every stored run
    assert {stream.name: stream.value for stream in Stream} == {
        "POINTS": 0,
        "SPLIT": 1,
        "WEIGHTS": 2,
        "BATCHES": 3,
        "DIRECTION_A": 4,
        "DIRECTION_B": 5,
        "LANCZOS_START": 6,
        "TRACE_PROBES": 7,
    }


@given(SEEDS, st.sampled_from(Stream), st.floats(-100, 100), st.floats(1e-3, 100))
def test_uniforms_stay_in_their_interval_and_scale_linearly(seed: int, stream: Stream, low: float, size: float) -> None:
    unit = Draws(seed, stream).uniform(50)
    assert ((unit >= 0) & (unit < 1)).all()
    moved = Draws(seed, stream).uniform(50, low=low, high=low + size)
    np.testing.assert_allclose(moved, low + (low + size - low) * unit, rtol=1e-15, atol=1e-14)


@given(SEEDS, SEEDS)
def test_no_two_streams_or_seeds_share_their_numbers(first: int, second: int) -> None:
    drawn = {(seed, s): tuple(Draws(seed, s).uniform(4).tolist()) for seed in (first, second) for s in Stream}
    assert len(set(drawn.values())) == len({first, second}) * len(Stream)


def test_normals_are_box_mullers_cosines_of_the_oracles_uniforms() -> None:
    doubles = list(islice(philox_doubles(4, Stream.POINTS), 12))
    expected = [
        math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)
        for u, v in zip(doubles[:6], doubles[6:], strict=True)
    ]
    np.testing.assert_allclose(Draws(4, Stream.POINTS).normal(3, 2).ravel(), expected, rtol=1e-12)


def test_normals_are_standard_normal() -> None:
    count = 40_000
    drawn = Draws(2, Stream.POINTS).normal(count)
    # four standard errors of mean, variance and kurtosis of this many normals; and Kolmogorov and Smirnov's test
    assert abs(drawn.mean()) < 4 / math.sqrt(count)
    assert abs(drawn.var() - 1) < 4 * math.sqrt(2 / count)
    assert abs(stats.kurtosis(drawn)) < 4 * math.sqrt(24 / count)
    assert stats.kstest(drawn, "norm").pvalue > 1e-3


def test_normals_of_different_streams_are_uncorrelated() -> None:
    count = 20_000
    drawn = np.array([Draws(9, stream).normal(count) for stream in Stream])
    others = np.corrcoef(drawn)[~np.eye(len(Stream), dtype=bool)]
    assert np.abs(others).max() < 5 / math.sqrt(count)  # the tolerance is five standard errors


@given(SEEDS, st.integers(0, 300))
def test_a_permutation_has_every_item_once(seed: int, count: int) -> None:
    assert sorted(Draws(seed, Stream.SPLIT).permutation(count).tolist()) == list(range(count))


def test_a_permutation_sorts_the_oracles_uniforms() -> None:
    doubles = list(islice(philox_doubles(6, Stream.BATCHES), 30))
    draws = Draws(6, Stream.BATCHES)
    assert draws.permutation(20).tolist() == sorted(range(20), key=doubles.__getitem__)
    assert draws.permutation(10).tolist() == sorted(range(10), key=doubles[20:].__getitem__)


def test_permutations_are_uniform() -> None:
    draws = Draws(1, Stream.SPLIT)
    counts = np.zeros((5, 5))
    for _ in range(4000):
        counts[np.arange(5), draws.permutation(5)] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


@given(SEEDS, st.integers(0, 300))
def test_skipping_is_drawing_without_looking(seed: int, count: int) -> None:
    drawn, skipped = (Draws(seed, Stream.BATCHES) for _ in range(2))
    drawn.uniform(count)
    skipped.skip(count)
    assert skipped.uniform(9).tolist() == drawn.uniform(9).tolist()
