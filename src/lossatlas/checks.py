"""Checks of the arrays that callers pass in. They run before any computation, and each message says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray, Floats, Integers
from lossatlas.errors import DataError

#: The largest coordinate. Larger ones could overflow float32, and their squares could overflow float64.
LARGEST = 1e30
#: How many values of a wrong array a message shows.
_SHOWN = 4


def check_points(points: Any, features: int = 2, name: str = "points") -> Floats:
    """Check that points are finite real numbers of shape ``[N, features]``, and return them as an array.

    Parameters
    ----------
    points
        Anything that NumPy can turn into an array ``[N, features]`` of numbers.
    features
        The number of columns that is needed.
    name
        What messages call the points.

    Returns
    -------
    Floats
        The points ``[N, features]``, in their own dtype.

    Raises
    ------
    DataError
        If there are no points, or they have another shape, or they are not all finite real numbers.
    """
    array = _convert_to_numbers(points, name)
    if array.ndim != 2 or array.shape[1] != features:
        turned = " (is it transposed?)" if array.shape[:1] == (features,) and array.ndim == 2 else ""
        raise DataError(
            f"{name} have the shape {list(array.shape)}{turned}; give an array [N, {features}] with one row per point"
        )
    if not len(array):
        raise DataError(f"{name} are empty; give at least one")
    _refuse_not_finite(array, name)
    return array


def check_labels(labels: Any, count: int, classes: int, name: str = "labels") -> Integers:
    """Check that labels ``[count]`` are classes from 0 to ``classes`` - 1, and return them as whole numbers.

    Parameters
    ----------
    labels
        Anything that NumPy can turn into an array ``[count]`` of whole numbers.
    count
        The number of points.
    classes
        K, the number of classes.
    name
        What messages call the labels.

    Returns
    -------
    Integers
        The labels ``[count]``, of an integer dtype.

    Raises
    ------
    DataError
        If they are text, other numbers or one-hot rows, or if there are too many or too few of them.
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1 and count == len(array):
        raise DataError(
            f"{name} have the shape {list(array.shape)} and may be one-hot rows; give {name}.argmax(axis=1)"
        )
    if array.ndim != 1:
        raise DataError(f"{name} have the shape {list(array.shape)}; give an array [N] with one label per point")
    if len(array) != count:
        raise DataError(f"there are {len(array)} {name} for {count} points; give one label per point")
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all()))
    if not whole or array.min() < 0 or array.max() >= classes:
        raise DataError(
            f"{name} are {_list_some(np.unique(array).tolist())}, but they must be the classes 0 to {classes - 1}; "
            f"numpy.unique({name}, return_inverse=True)[1] numbers them in this way"
        )
    return array.astype(np.int64) if array.dtype.kind in "bf" else array


def check_models(theta: Any, parameters: int, name: str = "models") -> Floats:
    """Check that ``theta`` holds parameter vectors ``[B, P]`` of real numbers, and return them as an array.

    Parameters
    ----------
    theta
        Anything that NumPy can turn into an array ``[B, P]`` of numbers.
    parameters
        P, the length of one vector.
    name
        What messages call the vectors.

    Returns
    -------
    Floats
        The vectors ``[B, P]``, in their own dtype.

    Raises
    ------
    DataError
        If they are not numbers, or have another shape.
    """
    array = np.asarray(theta)
    if array.ndim == 2 and array.shape[1] == parameters and array.dtype.kind in "fiu":
        return array
    one = "; for a single model give theta[None]" if array.shape == (parameters,) else ""
    raise DataError(f"{name} are {array.dtype} {list(array.shape)}, but they must be numbers [B, {parameters}]{one}")


def check_theta(theta: Any, parameters: int, name: str = "theta") -> Floats:
    """Check that ``theta`` is one parameter vector ``[P]`` of real numbers, and return it as an array.

    Parameters
    ----------
    theta
        Anything that NumPy can turn into an array ``[P]`` of numbers.
    parameters
        P, the length of the vector.
    name
        What messages call the vector.

    Returns
    -------
    Floats
        The vector ``[P]``, in its own dtype.

    Raises
    ------
    DataError
        If it is not made of numbers, or has another shape.
    """
    array = np.asarray(theta)
    if array.shape == (parameters,) and array.dtype.kind in "fiu":
        return array
    one = "; give one of these vectors, such as theta[0]" if array.ndim == 2 and array.shape[1] == parameters else ""
    raise DataError(f"{name} is {array.dtype} {list(array.shape)}, but it must be numbers [{parameters}]{one}")


def _convert_to_numbers(values: Any, name: str) -> AnyArray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"{name} are rows of different lengths; give an array [N, 2]") from None
    if array.dtype.kind == "O":
        with suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name} are {_list_some(array.ravel()[:_SHOWN].tolist())}, but they must be real numbers")
    return array


def _refuse_not_finite(array: AnyArray, name: str) -> None:
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(~(np.abs(array.astype(np.float64)) <= LARGEST))
    if len(wrong):
        row, column = wrong[0].tolist()
        count = len(np.unique(wrong[:, 0]))
        raise DataError(
            f"{count} of {len(array)} {name} are not finite numbers up to {LARGEST:g}: row {row}, column {column} is "
            f"{array[row, column]}; remove such rows, or fill in the values"
        )


def _list_some(values: Sequence[Any]) -> str:
    """Write the first few values, separated by commas."""
    some = ", ".join(repr(value) for value in values[:_SHOWN])
    return f"{some}, …" if len(values) > _SHOWN else some
