"""First and second derivatives of the loss, written out: gradients, Hessian-vector products, whole Hessians."""

from lossatlas.derivatives.gradient import gradients
from lossatlas.derivatives.hessian import Hessians, chunk_edges, dense_hessian, vectors_at_once

__all__ = ["Hessians", "chunk_edges", "dense_hessian", "gradients", "vectors_at_once"]
