"""The batched network: many models at a time, on one set of inputs, close to what the machine can do.

Models are handed to a kernel in chunks, and chunks run on threads, each with a kernel of its own. A model's result
depends neither on the chunk it is in nor on the number of threads, so the same question has the same bits.

There are two kernels. :class:`~lossatlas.engine.numpy_kernel.NumpyKernel` is plain NumPy. The other,
:class:`~lossatlas.engine.wasm_kernel.WasmKernel`, needs the extra ``lossatlas[fast]`` and is taken where it is faster:
for small networks, on machines without AVX-512, where NumPy's tanh is slow.
"""

from lossatlas.engine.blas import one_blas_thread
from lossatlas.engine.evaluator import Evaluator, LossEvaluator, softmax

__all__ = ["Evaluator", "LossEvaluator", "one_blas_thread", "softmax"]
