"""Two datasets of measurements from scikit-learn, each reduced to two named features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lossatlas.datasets.source import Sample, Source

if TYPE_CHECKING:
    from lossatlas.arrays import Float64, Integers
    from lossatlas.rng import Draws


def _make_sampler(loader: str, features: tuple[str, str]) -> Sample:
    def sample(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
        """Choose ``count`` of the measured points at random, without noise."""
        from sklearn import datasets as measured  # takes a second to import, so import it only when it is needed

        table: Any = getattr(measured, loader)()
        names = list(table.feature_names)
        columns = [names.index(feature) for feature in features]
        chosen = np.sort(draws.permutation(len(table.target))[:count])
        return table.data[chosen][:, columns].astype(np.float64), table.target[chosen].astype(np.int64)

    return sample


_PETALS = ("petal length (cm)", "petal width (cm)")
#: Of the breast-cancer features, this pair is easy to name and separates the classes well.
_NUCLEI = ("worst radius", "worst concave points")

IRIS = Source(
    name="iris",
    title="Iris petals",
    summary="Length and width of 150 petals of three species of iris (Anderson 1936, Fisher 1936).",
    class_names=("setosa", "versicolor", "virginica"),
    sample=_make_sampler("load_iris", _PETALS),
    feature_names=_PETALS,
    available=150,
)
BREAST_CANCER = Source(
    name="cancer",
    title="Breast cancer",
    summary="Size and dents of the largest cell nuclei in 569 biopsies, malignant or benign (Street et al. 1993).",
    class_names=("malignant", "benign"),
    sample=_make_sampler("load_breast_cancer", _NUCLEI),
    feature_names=_NUCLEI,
    available=569,
)
