"""Computes the losses and logits of many models at a time, on one set of inputs, as fast as the machine allows.

The engine splits models into chunks and evaluates the chunks on threads; each thread has its own kernel. The result of
a model depends neither on its chunk nor on the number of threads, so the same input always gives the same bits.

There are two kernels. :class:`~lossatlas.engine.numpy_kernel.NumpyKernel` uses plain NumPy.
:class:`~lossatlas.engine.wasm_kernel.WasmKernel` needs the extra ``lossatlas[fast]``. It is used where it is faster:
for small networks on machines without AVX-512, where NumPy's tanh is slow.
"""

from lossatlas.engine.blas import one_blas_thread
from lossatlas.engine.evaluator import Evaluator, LossEvaluator, softmax

__all__ = ["Evaluator", "LossEvaluator", "one_blas_thread", "softmax"]
