"""Compares both builds of the WebAssembly kernel with float64, and their bytes with their source."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.arrays import AnyArray, Float32, Float64, Floats, Integers
from lossatlas.engine import Evaluator
from lossatlas.engine import wasm_kernel as kernel_module
from lossatlas.engine.wasm_kernel import PLAIN, RELAXED, WasmKernel, can_run, choose_build
from lossatlas.errors import LossAtlasError
from lossatlas.networks import ACTIVATIONS, Network
from tests.conftest import network_of, some_models

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "src" / "lossatlas" / "web" / "compute" / "engine"
BUILDS = [PLAIN, RELAXED]
#: Hidden layers, and whether they are residual: skips everywhere, in places, in the last place, and nowhere.
MODELS: list[tuple[tuple[int, ...], bool]] = [
    *((hidden, False) for hidden in [(), (7,), (6, 5), (5, 4, 6), (4, 5, 4, 3)]),
    *((hidden, True) for hidden in [(), (7,), (6, 5), (5, 5), (4, 4, 4, 4), (3, 3, 5, 5, 2), (7, 4, 4)]),
]
COUNTS = [1, 7, 500, 2049]
#: Up to five float32 layers of sums of at most eight products, tanh to 4e-7: the room that test_engine has.
FLOAT32 = 5e-6

installed = importlib.util.find_spec("wasmtime") is not None
with_kernel = pytest.mark.skipif(not installed, reason="wasmtime, an optional extra, is not installed")
with_compiler = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="ziglang, the compiler of the kernel, is not installed"
)


# an oracle in float64 ---------------------------------------------------------------------------------------------


FUNCTIONS: dict[str, Any] = {
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "gelu": lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "linear": lambda z: z,
}


def exact_logits(network: Network, models: AnyArray, points: AnyArray) -> Float64:
    """Compute the logits ``[B, K, N]`` with the named tensors of theta, without the packing of the kernel."""
    result = []
    for theta in models.astype(np.float64):
        h = points.T.astype(np.float64)
        tensors = [theta[p.offset : p.offset + p.size].reshape(p.shape) for p in network.parameters]
        layers = list(zip(tensors[::2], tensors[1::2], strict=True))
        for weight, bias in layers:
            below, h = h, weight @ h + bias[:, None]
            if weight is not layers[-1][0]:
                h = FUNCTIONS[network.activation.name](h)
                if network.residual and weight is not layers[0][0] and len(below) == len(h):
                    h = h + below
        result.append(h)
    return np.array(result)


def exact_losses(logits: Float64, labels: Integers) -> Float64:
    """Compute the mean cross-entropy ``[B]`` of logits ``[B, K, N]``, relative to the true class."""
    relative = logits - np.take_along_axis(logits, labels[None, None, :], axis=1)
    others = np.arange(logits.shape[1])[:, None] != labels
    most = np.maximum(relative.max(axis=1, keepdims=True), 0)
    rest = np.where(others, np.exp(relative - most), 0).sum(axis=1, keepdims=True)
    losses: Float64 = (most + np.log1p(rest + np.expm1(-most))).mean(axis=(1, 2))
    return losses


# what the kernel is given -----------------------------------------------------------------------------------------


def data(classes: int, count: int, seed: int = 0) -> tuple[Float32, Integers]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 2)).astype(np.float32), np.sort(rng.integers(0, classes, count))


def runs_of(labels: Integers) -> list[tuple[int, int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(int(labels[start]), start, stop) for start, stop in pairwise(edges)]


def kernel_of(
    network: Network, points: AnyArray, labels: Integers | None = None, build: str | None = None
) -> WasmKernel:
    return WasmKernel(network, points.T, None if labels is None else runs_of(labels), build)


def function_of(name: str, x: Floats, build: str) -> Float32:
    """Compute the activation ``[N]`` of numbers ``[N]``, as the first logit of a network with one hidden unit."""
    network = Network((1, 1, 2), ACTIVATIONS[name])
    logits = kernel_of(network, x[:, None], build=build).logits(np.array([[1, 0, 1, 0, 0, 0]], np.float32))
    values: Float32 = logits[0, 0]
    return values


def losses_of_logits(logits: Floats, label: int, build: str) -> Float32:
    """Compute the loss ``[B]`` of one point of class ``label`` for given logits ``[B, K]``, which are set as biases."""
    network = network_of(classes=logits.shape[1])
    models = np.concatenate([np.zeros((len(logits), 2 * logits.shape[1])), logits], axis=1).astype(np.float32)
    return kernel_of(network, np.zeros((1, 2)), np.array([label]), build).losses(network.pack(models))


# its bytes --------------------------------------------------------------------------------------------------------


def build_script() -> Any:
    spec = importlib.util.spec_from_file_location("build_kernel", ROOT / "scripts" / "build_kernel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@with_compiler
def test_the_committed_modules_are_what_their_source_compiles_to(tmp_path: Path) -> None:
    for made in build_script().build(tmp_path):
        assert made.read_bytes() == (ENGINE / made.name).read_bytes(), "run: python scripts/build_kernel.py"


@with_compiler
def test_the_script_writes_both_modules_into_the_given_folder(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build_kernel.py"), str(tmp_path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(BUILDS)
    assert all(f"{name}: " in output for name in BUILDS)


def test_the_modules_are_small_and_name_nothing_of_the_machine_that_built_them() -> None:
    for name in BUILDS:
        binary = (ENGINE / name).read_bytes()
        assert binary.startswith(b"\0asm\1\0\0\0")
        assert len(binary) < 16 * 1024
        assert b"/" + b"kernel.c" not in binary


@with_kernel
def test_the_kernel_runs_here_in_both_builds() -> None:
    assert can_run()
    assert choose_build() == RELAXED


def test_without_wasmtime_the_kernel_is_not_available_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    kernel_module._compile.cache_clear()
    assert not can_run()
    with pytest.raises(LossAtlasError, match="needs the Python package wasmtime"):
        kernel_of(network_of(3), np.zeros((1, 2)))


# parity -----------------------------------------------------------------------------------------------------------


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize(("hidden", "residual"), MODELS)
def test_losses_and_logits_are_those_of_float64(
    hidden: tuple[int, ...], residual: bool, classes: int, activation: str, build: str
) -> None:
    network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
    models = some_models(network, 3)
    for count in COUNTS:
        points, labels = data(classes, count)
        kernel = kernel_of(network, points, labels, build)
        losses, logits = kernel.losses(network.pack(models)), kernel.logits(network.pack(models))
        expected = exact_logits(network, models, points)
        assert losses.dtype == logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, rtol=FLOAT32, atol=FLOAT32)
        np.testing.assert_allclose(losses, exact_losses(expected, labels), rtol=FLOAT32)


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("layers", [(2, 1024, 3), (64, 32, 10), (1, 1, 2), (30, 17, 2), (2, *[9] * 32, 2)])
def test_wide_deep_and_odd_networks_have_exact_logits_and_losses(layers: tuple[int, ...], build: str) -> None:
    network = Network(layers, ACTIVATIONS["tanh"])
    rng = np.random.default_rng(1)
    models = np.array([network.draw_initial_theta(seed) for seed in range(2)]).astype(np.float32)
    points = rng.normal(size=(53, layers[0])).astype(np.float32)
    labels = np.sort(rng.integers(0, layers[-1], 53))
    kernel, expected = kernel_of(network, points, labels, build), exact_logits(network, models, points)
    np.testing.assert_allclose(kernel.logits(network.pack(models)), expected, rtol=2e-5, atol=1e-5)
    np.testing.assert_allclose(kernel.losses(network.pack(models)), exact_losses(expected, labels), rtol=2e-5)


@with_kernel
@pytest.mark.parametrize("residual", [False, True])
def test_the_kernel_agrees_with_the_numpy_engine(residual: bool) -> None:
    network = network_of(16, 16, residual=residual)
    models = some_models(network, 50)
    points, labels = data(2, 500)
    ours = kernel_of(network, points, labels).losses(network.pack(models))
    np.testing.assert_allclose(ours, Evaluator(network, points, labels).losses(models), rtol=1e-6)


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_a_sum_of_many_losses_loses_no_digits(build: str) -> None:
    network, count = network_of(), 200_000
    logits = np.array([[0.1, 0.7]], np.float32)
    models = np.concatenate([np.zeros((1, 4)), logits], axis=1).astype(np.float32)
    many = kernel_of(network, np.zeros((count, 2)), np.zeros(count, np.int64), build).losses(network.pack(models))
    np.testing.assert_allclose(many, losses_of_logits(logits, 0, build), rtol=1.2e-7)


# the functions ----------------------------------------------------------------------------------------------------


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_tanh_is_within_4e7_everywhere_and_saturates_exactly(build: str) -> None:
    steps = np.arange(np.float32(1e-8).view(np.int32), np.float32(10).view(np.int32), 397, dtype=np.int32)
    x = steps.view(np.float32)  # every 397th float; all of them were tried once: 3.6e-7
    exact = np.tanh(x.astype(np.float64))
    assert np.abs(function_of("tanh", x, build) / exact - 1).max() < 4e-7
    np.testing.assert_array_equal(function_of("tanh", -x, build), -function_of("tanh", x, build))
    far = np.array([8.381, 9, 100, 3e38, np.inf], np.float32)
    np.testing.assert_array_equal(function_of("tanh", far, build), np.ones(5, np.float32))


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_are_close_over_all_magnitudes(name: str, build: str) -> None:
    size = np.geomspace(1e-12, 1e12, 20_001)
    x = np.concatenate([-size, [0], size]).astype(np.float32)
    with np.errstate(over="ignore"):
        exact = FUNCTIONS[name](x.astype(np.float64))
    np.testing.assert_allclose(function_of(name, x, build), exact, rtol=1e-6, atol=1e-6)


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_one_points_loss_is_within_3e7_however_small(build: str) -> None:
    d = np.concatenate([np.linspace(-87, 30, 300_000), -np.geomspace(1e-9, 1, 50_000)]).astype(np.float32)
    logits = np.stack([np.zeros_like(d), d], axis=1)
    exact = np.logaddexp(0.0, d.astype(np.float64))
    np.testing.assert_array_less(np.abs(losses_of_logits(logits, 0, build) / exact - 1), 3e-7)


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_one_points_loss_among_five_classes_is_within_4e7(build: str) -> None:
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(100_000, 5)) * np.geomspace(0.01, 30, 100_000)[:, None]).astype(np.float32)
    logits[:, 2] = 0  # so that the differences are not rounded
    exact = [exact_losses(z[None, :, None], np.array([2]))[0] for z in logits[::50].astype(np.float64)]
    np.testing.assert_allclose(losses_of_logits(logits, 2, build)[::50], exact, rtol=4e-7)


# extremes ---------------------------------------------------------------------------------------------------------


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("others", [1, 3])
def test_losses_of_extreme_logits_are_exact_or_infinite(others: int, build: str) -> None:
    def loss(d: float) -> float:
        return float(losses_of_logits(np.array([[0, *[d] * others]]), 0, build)[0])

    assert loss(0) == pytest.approx(np.log1p(others), rel=3e-7)
    assert loss(-27.6) == pytest.approx(others * np.exp(-27.6), rel=2e-6)  # 1e-12; the bias is rounded to float32
    assert loss(-200) == 0
    assert loss(3e38) == pytest.approx(3e38, rel=1e-6)  # its sum over four points is beyond float32, the mean is not
    assert loss(-3e38) == 0
    assert loss(np.inf) == np.inf
    assert np.isnan(loss(np.nan))


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_the_mean_of_huge_losses_is_finite(build: str) -> None:
    network = network_of()
    models = np.array([[0, 0, 0, 0, 0, 3e38]], np.float32)
    loss = kernel_of(network, np.zeros((37, 2)), np.zeros(37, np.int64), build).losses(network.pack(models))
    np.testing.assert_allclose(loss, 3e38, rtol=1e-6)


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("classes", [2, 3])
def test_overflow_is_infinite_and_only_nan_is_nan(activation: str, classes: int, residual: bool, build: str) -> None:
    network = network_of(8, 8, activation=activation, residual=residual, classes=classes)
    points, labels = data(classes, 40)
    normal = some_models(network, 1)[0]
    broken = np.tile(normal, (network.parameter_count, 1))
    np.fill_diagonal(broken, np.nan)
    models = np.concatenate([normal[None], normal[None] * 1e30, broken, normal[None]])
    losses = kernel_of(network, points, labels, build).losses(network.pack(models))
    assert np.isfinite(losses[0])
    assert losses[-1] == losses[0]
    assert losses[1] > 1e20  # it may be inf, but it is not NaN
    assert np.isnan(losses[2:-1]).all()


# independence -----------------------------------------------------------------------------------------------------


@with_kernel
@pytest.mark.parametrize("build", BUILDS)
def test_a_models_result_does_not_depend_on_its_batch_or_on_the_chunks(
    build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = network_of(9, 5, classes=3)
    models = network.pack(some_models(network, 60))
    kernel = kernel_of(network, *data(3, 101), build)
    losses, logits = kernel.losses(models), kernel.logits(models)
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_array_equal(kernel.losses(models[order]), losses[order])
    np.testing.assert_array_equal(kernel.losses(models[7:8]), losses[7:8])
    monkeypatch.setattr(kernel_module, "_CHUNK_BYTES", 4 * 7 * models.shape[1])
    np.testing.assert_array_equal(kernel.losses(models), losses)
    np.testing.assert_array_equal(kernel.logits(models), logits)


@with_kernel
def test_memory_grows_and_calls_leave_nothing_behind() -> None:
    network = network_of(3)
    kernel = kernel_of(network, np.zeros((200_000, 2)))
    models = network.pack(some_models(network, 2))
    before = kernel._memory._end
    first = kernel.logits(models)
    assert kernel._memory._end == before
    np.testing.assert_array_equal(kernel.logits(models), first)


@with_kernel
def test_two_threads_give_identical_bits_and_run_at_the_same_time() -> None:
    """While one thread is inside the kernel, another one continues, because the kernel releases the GIL."""
    network = network_of(16, 16)
    points, labels = data(2, 500)
    models = network.pack(some_models(network, 400))
    alone = kernel_of(network, points, labels).losses(models)
    results: dict[int, Float32] = {}

    def work(number: int) -> None:
        results[number] = kernel_of(network, points, labels).losses(models)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results.values():
        np.testing.assert_array_equal(result, alone)
    assert len(results) == 2


@with_kernel
def test_the_gil_is_free_inside_the_kernel() -> None:
    network = network_of(64, 64)
    kernel = kernel_of(network, np.zeros((40_000, 2)), np.zeros(40_000, np.int64))
    model = network.pack(some_models(network, 1))  # one call of the kernel, of many milliseconds

    def count_ticks() -> int:
        """Count the milliseconds that this thread lives through during one call in another."""
        thread = threading.Thread(target=kernel.losses, args=(model,))
        ticks = 0
        thread.start()
        while thread.is_alive():
            time.sleep(0.001)
            ticks += 1
        thread.join()
        return ticks

    # A busy machine may give this thread no turn during one call. With the GIL held it would never have any.
    assert any(count_ticks() > 3 for _ in range(100))


# errors for people ------------------------------------------------------------------------------------------------


@with_kernel
@pytest.mark.parametrize(
    ("inputs", "runs", "said"),
    [
        (np.zeros((3, 5)), None, r"inputs of this network are \[2, N ≥ 1\], not \[3, 5\]"),
        (np.zeros((2, 0)), None, r"not \[2, 0\]"),
        (np.zeros(2), None, r"not \[2\]"),
        (np.zeros((2, 5)), [(0, 0, 2), (1, 3, 5)], "do not follow one another from column 0 to column 5"),
        (np.zeros((2, 5)), [(0, 0, 6)], "do not follow"),
        (np.zeros((2, 5)), [(0, 0, 2), (2, 2, 5)], "no class 2 among the 2"),
    ],
)
def test_errors_say_what_does_not_fit(inputs: Float64, runs: list[tuple[int, int, int]] | None, said: str) -> None:
    with pytest.raises(LossAtlasError, match=said):
        WasmKernel(network_of(3), inputs, runs)


@with_kernel
def test_models_of_another_network_and_losses_without_classes_are_refused() -> None:
    kernel = kernel_of(network_of(3), np.zeros((4, 2)))
    with pytest.raises(LossAtlasError, match=r"models of this network are \[B, 17\], not \[5, 16\]"):
        kernel.logits(np.zeros((5, 16)))
    with pytest.raises(LossAtlasError, match="need the true classes"):
        kernel.losses(np.zeros((5, 17)))
    assert kernel.logits(np.zeros((0, 17))).shape == (0, 2, 4)


@with_kernel
def test_more_than_the_kernels_memory_is_refused_before_it_is_allocated() -> None:
    kernel = kernel_of(network_of(3), np.zeros((1, 2)))
    with pytest.raises(LossAtlasError, match=r"needs 3\.0 GiB; the kernel's memory ends at 2 GiB"):
        kernel._memory.place(3 * 2**30)
