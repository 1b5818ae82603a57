"""Checks of the arrays that people hand in, before anything is computed from them; each fault says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Floats, Integers
from lossatlas.errors import DataError

#: Coordinates beyond leave float32, or their squares a double.
LARGEST = 1e30
#: Values of a wrong array that a message shows.
_SHOWN = 4


def check_points(points: Any, features: int = 2, name: str = "points") -> Floats:
    """Give back points ``[N, features]`` as real numbers.

    Raises
    ------
    DataError
        If they have another shape, are none, are no numbers, or not all finite.
    """
    array = _numbers(points, name)
    if array.ndim != 2 or array.shape[1] != features:
        turned = " (is it transposed?)" if array.shape[:1] == (features,) and array.ndim == 2 else ""
        raise DataError(f"{name} have the shape {list(array.shape)}{turned}; [N, {features}] is needed, a row a point")
    if not len(array):
        raise DataError(f"{name} are empty; give one at least")
    _refuse_what_is_not_finite(array, name)
    return array


def check_labels(labels: Any, count: int, classes: int, name: str = "labels") -> Integers:
    """Give back labels ``[count]``, classes from 0 to ``classes`` - 1, as whole numbers.

    Raises
    ------
    DataError
        If they are something else: text, other numbers, one-hot rows, too many or too few.
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1 and count == len(array):
        raise DataError(f"{name} are rows, {list(array.shape)}, one-hot perhaps; give {name}.argmax(axis=1)")
    if array.ndim != 1:
        raise DataError(f"{name} have the shape {list(array.shape)}; [N] is needed, one a point")
    if len(array) != count:
        raise DataError(f"there are {len(array)} {name} for {count} points; give one a point")
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
    if not whole or array.min() < 0 or array.max() >= classes:
        raise DataError(
            f"{name} are {_list_some(np.unique(array).tolist())}, and have to be the classes 0 to {classes - 1}; "
            f"numpy.unique({name}, return_inverse=True)[1] numbers them so"
        )
    return array.astype(np.int64) if array.dtype.kind in "bf" else array


def check_models(theta: Any, parameters: int, name: str = "models") -> Floats:
    """Give back parameter vectors ``[B, P]``.

    Raises
    ------
    DataError
        If they have another shape.
    """
    array = np.asarray(theta)
    if array.ndim == 2 and array.shape[1] == parameters and array.dtype.kind in "fiu":
        return array
    one = "; of a single one give theta[None]" if array.shape == (parameters,) else ""
    raise DataError(f"{name} are {array.dtype} {list(array.shape)}, and have to be numbers [B, {parameters}]{one}")


def check_theta(theta: Any, parameters: int, name: str = "theta") -> Floats:
    """Give back one parameter vector ``[P]``.

    Raises
    ------
    DataError
        If it has another shape.
    """
    array = np.asarray(theta)
    if array.shape == (parameters,) and array.dtype.kind in "fiu":
        return array
    one = "; of several give one, as theta[0]" if array.ndim == 2 and array.shape[1] == parameters else ""
    raise DataError(f"{name} is {array.dtype} {list(array.shape)}, and has to be numbers [{parameters}]{one}")


def _numbers(values: Any, name: str) -> AnyArray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"{name} are rows of different lengths; give an array [N, 2]") from None
    if array.dtype.kind == "O":
        with suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name} are {_list_some(array.ravel()[:_SHOWN].tolist())}, and have to be real numbers")
    return array


def _refuse_what_is_not_finite(array: AnyArray, name: str) -> None:
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(~(np.abs(array.astype(np.float64)) <= LARGEST))
    if len(wrong):
        row, column = wrong[0].tolist()
        count = len(np.unique(wrong[:, 0]))
        raise DataError(
            f"{count} of {len(array)} {name} are not finite numbers up to {LARGEST:g}: row {row}, column {column} is "
            f"{array[row, column]}; leave such rows out, or fill them in"
        )


def _list_some(values: Sequence[Any]) -> str:
    """A few values, as a person would list them."""
    some = ", ".join(repr(value) for value in values[:_SHOWN])
    return f"{some}, …" if len(values) > _SHOWN else some
