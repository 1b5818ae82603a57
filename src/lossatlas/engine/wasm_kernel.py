"""The batched network as a WebAssembly SIMD kernel, run by ``wasmtime``: an optional extra, where NumPy's tanh is slow.

NumPy's float32 tanh is fast only where it has AVX-512; elsewhere it takes most of a surface's time. The kernel
(``web/compute/engine/kernel.c``, compiled by ``scripts/build_kernel.py`` and shipped as bytes) keeps a block of
sixteen points in the first-level cache through all layers. Each model is evaluated on its own, in one order of
operations, so a model's result depends neither on the batch it is in nor on how the batch is cut. The page runs the
very same bytes.
"""

from __future__ import annotations

import atexit
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any
from weakref import WeakSet

import numpy as np

from lossatlas.arrays import AnyArray, Float32, Floats, UInt8
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network

#: Points that the kernel takes through all layers at once; each run of one class begins a new block.
BLOCK = 16
#: The two builds: fused multiply-add where the machine has it, and plain SIMD.
RELAXED, PLAIN = "kernel-relaxed.wasm", "kernel.wasm"

#: Models and results in the kernel's memory at a time, in bytes.
_CHUNK_BYTES = 512 * 1024
_MOST_MODELS = 256
#: Beyond this an address would be a negative number.
_MOST_BYTES = 2**31 - 2**16
_PAGE, _LINE = 2**16, 64
#: Codes of the enum Activation.
_ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "gelu": 3, "linear": 4}


def available() -> bool:
    """Tell whether the kernel can run here: ``wasmtime`` is installed and compiles SIMD for this machine."""
    return _runs_here(PLAIN)


def best_build() -> str:
    """Name the build to use here: :data:`RELAXED` where it validates."""
    return RELAXED if _runs_here(RELAXED) else PLAIN


class WasmKernel:
    """Evaluates any number of models of one network on the same inputs, in float32, on the calling thread.

    A kernel has its own memory, and may be used by one thread at a time; several run in parallel.

    Parameters
    ----------
    network
        The network all models share.
    inputs
        Inputs ``[features, N]``.
    runs
        ``(class, start, stop)`` of each run of columns of one true class, in order and without gaps; none where only
        logits are wanted.
    build
        :data:`RELAXED` or :data:`PLAIN`; by default the faster one that this machine runs.

    Raises
    ------
    LossAtlasError
        ``wasmtime`` is not there, the inputs do not fit the network, or memory does not suffice.
    """

    def __init__(
        self,
        network: Network,
        inputs: Floats,
        runs: Sequence[tuple[int, int, int]] | None = None,
        build: str | None = None,
    ) -> None:
        _check_inputs(network, inputs)
        self.network, self.count = network, inputs.shape[1]
        self._labelled = runs is not None
        runs = [(0, 0, self.count)] if runs is None else [run for run in runs if run[1] < run[2]]
        _check_runs(network, self.count, runs)
        # Each run fills whole blocks, its last column repeated where it ends; `_columns` are the columns that count.
        wanted, self._columns, end = [], np.empty(self.count, np.int64), 0
        for _, start, stop in runs:
            self._columns[start:stop] = np.arange(end, end + stop - start)
            blocks = -(-(stop - start) // BLOCK)
            wanted.append(np.arange(start, start + blocks * BLOCK).clip(max=stop - 1))
            end += blocks * BLOCK
        self._blocks = end // BLOCK
        padded = inputs[:, np.concatenate(wanted)].astype(np.float32)
        self._memory = _Memory(build or best_build())
        #: How many models to hand over at a time.
        self.chunk = max(1, min(_CHUNK_BYTES // (4 * network.parameter_count), _MOST_MODELS))
        self._problem = self._lay_out(padded.reshape(-1, self._blocks, BLOCK).transpose(1, 0, 2), runs)

    def losses(self, packed: Floats) -> Float32:
        """Mean cross-entropy ``[B]`` of packed models ``[B, P]``, in nats; inf where float32 overflows."""
        if not self._labelled:
            raise LossAtlasError("losses need the true classes: make the kernel with its runs")
        return self._each_chunk("losses", packed, ())

    def logits(self, packed: Floats) -> Float32:
        """Logits ``[B, K, N]`` of packed models ``[B, P]``."""
        classes = self.network.class_count
        blocks = self._each_chunk("logits", packed, (self._blocks, classes, BLOCK))
        padded = blocks.transpose(0, 2, 1, 3).reshape(len(packed), classes, self._blocks * BLOCK)
        return padded[:, :, self._columns]

    def _lay_out(self, blocks: Floats, runs: Sequence[tuple[int, int, int]]) -> int:
        """Write the problem into memory, field by field as ``struct Problem`` has it; gives its address."""
        network, put = self.network, self._memory.put
        sizes = network.layers
        widest = max(sizes[1:])
        scratch = 2 * widest * BLOCK + sizes[-1] * (sizes[-2] + 1)
        problem = [
            put(np.array(sizes), np.int32),
            len(sizes) - 1,
            _ACTIVATIONS[network.activation.name],
            network.residual,
            network.parameter_count,
            self.count,
            len(runs),
            put(np.array([(label, stop - start) for label, start, stop in runs]), np.int32),
            put(blocks, np.float32),
            self._memory.place(scratch * 4),
            widest,
        ]
        return put(np.array(problem), np.int32)

    def _each_chunk(self, function: str, packed: Floats, shape: tuple[int, ...]) -> Float32:
        """Results ``[B, *shape]`` of one of the kernel's functions, called with as many models as its memory takes."""
        parameters = self.network.parameter_count
        if packed.ndim != 2 or packed.shape[1] != parameters:
            raise LossAtlasError(f"models of this network are [B, {parameters}], not {list(packed.shape)}")
        result = np.empty((len(packed), *shape), np.float32)
        size = math.prod(shape)
        chunk = max(1, min(_CHUNK_BYTES // (4 * (parameters + size)), len(packed)))
        places = self._memory.borrow(chunk * parameters * 4, chunk * size * 4)
        with np.errstate(over="ignore"), places as (models, results):
            for start in range(0, len(packed), chunk):
                part = packed[start : start + chunk]
                self._memory.view(models, part.shape, np.float32)[...] = part
                self._memory.call(function, self._problem, models, len(part), results)
                result[start : start + chunk] = self._memory.view(results, (len(part), *shape), np.float32)
        return result


class _Memory:
    """One instance of a build: its memory, handed out from ``__heap_base`` on and grown as needed."""

    def __init__(self, build: str) -> None:
        engine, module = _compile_once(build)
        import wasmtime

        try:
            self._store = _close_at_exit(wasmtime.Store(engine))
            exports: Any = wasmtime.Instance(self._store, module, []).exports(self._store)
        except wasmtime.WasmtimeError as fault:  # an instance reserves 4 GiB of addresses
            raise LossAtlasError(f"there is no room for the kernel's memory: {fault}") from fault
        self._functions: dict[str, Any] = {name: exports[name] for name in ("losses", "logits")}
        self._memory: Any = exports["memory"]
        self._end: int = exports["__heap_base"].value(self._store)
        self._bytes = self._whole()

    def place(self, count: int) -> int:
        """Give the address of ``count`` fresh bytes, on a line of the cache."""
        address = -(-self._end // _LINE) * _LINE
        self._end = address + count
        missing = self._end - len(self._bytes)
        if missing > 0:
            if self._end > _MOST_BYTES:
                raise LossAtlasError(f"this needs {self._end / 2**30:.1f} GiB; the kernel's memory ends at 2 GiB")
            self._grow(-(-missing // _PAGE))
        return address

    def put(self, values: AnyArray, dtype: type[np.int32] | type[np.float32]) -> int:
        """Copy an array to a fresh place, in C order; gives its address."""
        address = self.place(values.size * 4)
        self.view(address, values.shape, dtype)[...] = values
        return address

    def view(self, address: int, shape: tuple[int, ...], dtype: type[np.int32] | type[np.float32]) -> AnyArray:
        """The array at an address, itself and no copy, until memory grows."""
        return self._bytes[address : address + 4 * math.prod(shape)].view(dtype).reshape(shape)

    @contextmanager
    def borrow(self, *counts: int) -> Iterator[list[int]]:
        """Borrow memory: a place for each number of bytes in ``counts``, given back at the end."""
        end = self._end
        try:
            yield [self.place(count) for count in counts]
        finally:
            self._end = end

    def call(self, function: str, *arguments: int) -> None:
        """Call an exported function; other threads of Python run meanwhile."""
        self._functions[function](self._store, *arguments)

    def _grow(self, pages: int) -> None:
        import wasmtime

        try:
            self._memory.grow(self._store, pages)
        except wasmtime.WasmtimeError as fault:
            raise LossAtlasError(f"no memory for {self._end / 2**20:.0f} MiB of models and inputs: {fault}") from fault
        self._bytes = self._whole()

    def _whole(self) -> UInt8:
        return np.frombuffer(self._memory.get_buffer_ptr(self._store), np.uint8)


def _runs_here(build: str) -> bool:
    try:
        _compile_once(build)
    except Exception:  # no such package, none for this machine, or one too old: whatever it says, there is another way
        return False
    return True


def _compile_once(build: str) -> tuple[Any, Any]:
    """One of the two builds as machine code, ``(engine, module)``: made once a process, whoever asks first."""
    with _compiling:
        return _compile(build)


_compiling = Lock()


@cache
def _compile(build: str) -> tuple[Any, Any]:
    try:
        import wasmtime
    except (ImportError, OSError, RuntimeError) as fault:  # no package; or no library for this machine in it
        raise LossAtlasError(
            f"the kernel needs the Python package wasmtime, and there is none here: {fault}"
        ) from fault
    config = wasmtime.Config()
    config.wasm_simd = True
    config.wasm_relaxed_simd = build == RELAXED
    engine = _close_at_exit(wasmtime.Engine(config))
    code = (files("lossatlas") / "web" / "compute" / "engine" / build).read_bytes()
    return engine, _close_at_exit(wasmtime.Module(engine, code))


_open: WeakSet[Any] = WeakSet()


def _close_at_exit(owner: Any) -> Any:
    """Have it closed while wasmtime is still whole; its own finaliser would complain when the interpreter ends."""
    _open.add(owner)
    return owner


@atexit.register
def _close_all() -> None:
    for owner in list(_open):
        owner.close()


def _check_inputs(network: Network, inputs: Floats) -> None:
    """Say what does not fit; the kernel itself would read past the end."""
    if network.activation.name not in _ACTIVATIONS:
        raise LossAtlasError(f"the kernel has no {network.activation.name!r}; it has {', '.join(_ACTIVATIONS)}")
    if network.class_count < 2:
        raise LossAtlasError(f"the kernel needs two classes or more, not {network.class_count}")
    if inputs.ndim != 2 or len(inputs) != network.layers[0] or inputs.shape[1] == 0:
        raise LossAtlasError(f"inputs of this network are [{network.layers[0]}, N ≥ 1], not {list(inputs.shape)}")


def _check_runs(network: Network, count: int, runs: Sequence[tuple[int, int, int]]) -> None:
    edges = [0, *(stop for _, _, stop in runs)]
    if [start for _, start, _ in runs] != edges[:-1] or edges[-1] != count:
        raise LossAtlasError(f"the runs {list(runs)} do not follow one another from column 0 to column {count}")
    wrong = [label for label, _, _ in runs if not 0 <= label < network.class_count]
    if wrong:
        raise LossAtlasError(f"there is no class {wrong[0]} among the {network.class_count} of this network")
