"""First and second derivatives of the loss by explicit formulas: gradients, Hessian-vector products, whole Hessians."""

from lossatlas.derivatives.gradient import gradients
from lossatlas.derivatives.hessian import Hessians, choose_chunk, dense_hessian, find_chunk_edges

__all__ = ["Hessians", "find_chunk_edges", "dense_hessian", "gradients", "choose_chunk"]
