"""The WebAssembly kernel of the engine. It needs the optional package ``wasmtime``.

NumPy's float32 tanh is fast only with AVX-512; without it, tanh takes most of the time of a surface. This kernel is
written in C (``web/compute/engine/kernel.c``), compiled by ``scripts/build_kernel.py`` and shipped as bytes. It keeps a
block of sixteen points in the first-level cache through all layers. It evaluates each model separately and always in
the same order of operations, so the result of a model does not depend on its batch. The page runs the same bytes.
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

#: How many points the kernel takes through all layers at once. Each range of one class begins a new block.
BLOCK = 16
#: The two builds: with fused multiply-add if the machine has it, and with plain SIMD.
RELAXED, PLAIN = "kernel-relaxed.wasm", "kernel.wasm"

#: Bytes of the models and results that are in the memory of the kernel at a time.
_CHUNK_BYTES = 512 * 1024
_MOST_MODELS = 256
#: The size of the memory is limited to this many bytes, because larger addresses would be negative numbers.
_MOST_BYTES = 2**31 - 2**16
_PAGE, _LINE = 2**16, 64
#: The codes of the enum Activation in kernel.c.
_ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "gelu": 3, "linear": 4}


def can_run() -> bool:
    """Return whether ``wasmtime`` is installed and can compile the kernel for this machine."""
    return _can_compile(PLAIN)


def choose_build() -> str:
    """Return :data:`RELAXED` if this machine can run it, else :data:`PLAIN`."""
    return RELAXED if _can_compile(RELAXED) else PLAIN


class WasmKernel:
    """Evaluates any number of models of one network on the same inputs, in float32, on the calling thread.

    A kernel has its own memory, so only one thread may use it at a time. Several kernels can run in parallel.

    Parameters
    ----------
    network
        The network that all models share.
    inputs
        Inputs ``[features, N]``, of any real dtype.
    runs
        ``(class, start, stop)`` of each range of columns with the same true class, in order and without gaps. Only
        losses need them.
    build
        :data:`RELAXED` or :data:`PLAIN`; by default, the faster one that this machine can run.

    Raises
    ------
    LossAtlasError
        If ``wasmtime`` is not installed, the inputs do not fit the network, or there is too little memory.
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
        # Each range fills whole blocks and repeats its last column to do so; `_columns` are the other columns.
        wanted, self._columns, end = [], np.empty(self.count, np.int64), 0
        for _, start, stop in runs:
            self._columns[start:stop] = np.arange(end, end + stop - start)
            blocks = -(-(stop - start) // BLOCK)
            wanted.append(np.arange(start, start + blocks * BLOCK).clip(max=stop - 1))
            end += blocks * BLOCK
        self._blocks = end // BLOCK
        padded = inputs[:, np.concatenate(wanted)].astype(np.float32)
        self._memory = _Memory(build or choose_build())
        #: How many models the kernel takes at a time.
        self.chunk = max(1, min(_CHUNK_BYTES // (4 * network.parameter_count), _MOST_MODELS))
        self._problem = self._lay_out(padded.reshape(-1, self._blocks, BLOCK).transpose(1, 0, 2), runs)

    def losses(self, packed: Floats) -> Float32:
        """Compute the mean cross-entropy ``[B]`` float32 of packed models ``[B, P]``, in nats; inf on overflow."""
        if not self._labelled:
            raise LossAtlasError("losses need the true classes: give `runs` to the kernel")
        return self._each_chunk("losses", packed, ())

    def logits(self, packed: Floats) -> Float32:
        """Compute the logits ``[B, K, N]`` float32 of packed models ``[B, P]``."""
        classes = self.network.class_count
        blocks = self._each_chunk("logits", packed, (self._blocks, classes, BLOCK))
        padded = blocks.transpose(0, 2, 1, 3).reshape(len(packed), classes, self._blocks * BLOCK)
        return padded[:, :, self._columns]

    def _lay_out(self, blocks: Floats, runs: Sequence[tuple[int, int, int]]) -> int:
        """Write the fields of ``struct Problem`` into memory, and return its address."""
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
        """Call a function of the kernel for one chunk after another, and return all results ``[B, *shape]``."""
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
    """One instance of a build, with its memory. It allocates from ``__heap_base`` on, and grows if it has to."""

    def __init__(self, build: str) -> None:
        engine, module = _compile_once(build)
        import wasmtime

        try:
            self._store = _close_at_exit(wasmtime.Store(engine))
            exports: Any = wasmtime.Instance(self._store, module, []).exports(self._store)
        except wasmtime.WasmtimeError as fault:  # each instance reserves 4 GiB of addresses
            raise LossAtlasError(f"there is no room for the kernel's memory: {fault}") from fault
        self._functions: dict[str, Any] = {name: exports[name] for name in ("losses", "logits")}
        self._memory: Any = exports["memory"]
        self._end: int = exports["__heap_base"].value(self._store)
        self._bytes = self._map_memory()

    def place(self, count: int) -> int:
        """Allocate ``count`` bytes at the beginning of a cache line, and return their address."""
        address = -(-self._end // _LINE) * _LINE
        self._end = address + count
        missing = self._end - len(self._bytes)
        if missing > 0:
            if self._end > _MOST_BYTES:
                raise LossAtlasError(f"this needs {self._end / 2**30:.1f} GiB; the kernel's memory ends at 2 GiB")
            self._grow(-(-missing // _PAGE))
        return address

    def put(self, values: AnyArray, dtype: type[np.int32] | type[np.float32]) -> int:
        """Copy an array of any shape into new memory, in C order, and return its address."""
        address = self.place(values.size * 4)
        self.view(address, values.shape, dtype)[...] = values
        return address

    def view(self, address: int, shape: tuple[int, ...], dtype: type[np.int32] | type[np.float32]) -> AnyArray:
        """Return a view of the array at an address. It is valid until the memory grows."""
        return self._bytes[address : address + 4 * math.prod(shape)].view(dtype).reshape(shape)

    @contextmanager
    def borrow(self, *counts: int) -> Iterator[list[int]]:
        """Allocate memory for each number of bytes in ``counts``, and free it at the end of the block."""
        end = self._end
        try:
            yield [self.place(count) for count in counts]
        finally:
            self._end = end

    def call(self, function: str, *arguments: int) -> None:
        """Call an exported function. Other Python threads can run meanwhile."""
        self._functions[function](self._store, *arguments)

    def _grow(self, pages: int) -> None:
        import wasmtime

        try:
            self._memory.grow(self._store, pages)
        except wasmtime.WasmtimeError as fault:
            raise LossAtlasError(f"no memory for {self._end / 2**20:.0f} MiB of models and inputs: {fault}") from fault
        self._bytes = self._map_memory()

    def _map_memory(self) -> UInt8:
        return np.frombuffer(self._memory.get_buffer_ptr(self._store), np.uint8)


def _can_compile(build: str) -> bool:
    try:
        _compile_once(build)
    except Exception:  # the package is missing, too old or not made for this machine: the NumPy kernel is used then
        return False
    return True


def _compile_once(build: str) -> tuple[Any, Any]:
    """Return one of the two builds as machine code, ``(engine, module)``. It is compiled once per process."""
    with _compiling:
        return _compile(build)


_compiling = Lock()


@cache
def _compile(build: str) -> tuple[Any, Any]:
    try:
        import wasmtime
    except (ImportError, OSError, RuntimeError) as fault:  # no package, or the package has no library for this machine
        raise LossAtlasError(
            f"the kernel needs the Python package wasmtime, which cannot be imported: {fault}"
        ) from fault
    config = wasmtime.Config()
    config.wasm_simd = True
    config.wasm_relaxed_simd = build == RELAXED
    engine = _close_at_exit(wasmtime.Engine(config))
    code = (files("lossatlas") / "web" / "compute" / "engine" / build).read_bytes()
    return engine, _close_at_exit(wasmtime.Module(engine, code))


_open: WeakSet[Any] = WeakSet()


def _close_at_exit(owner: Any) -> Any:
    """Register an object of wasmtime to be closed before the interpreter ends, when its finaliser would fail."""
    _open.add(owner)
    return owner


@atexit.register
def _close_all() -> None:
    for owner in list(_open):
        owner.close()


def _check_inputs(network: Network, inputs: Floats) -> None:
    """Refuse inputs that do not fit the network, because the kernel would read beyond their end."""
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
