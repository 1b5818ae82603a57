"""Draws loss surfaces, decision boundaries and the curves of training as Plotly figures, for notebooks and scripts.

It needs the extra ``lossatlas[plot]``, which is imported when a figure is made. A figure holds the arrays that it
draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lossatlas.arrays import Float64
from lossatlas.datasets import Dataset
from lossatlas.errors import MissingExtraError
from lossatlas.landscape import DecisionBoundary, LossSurface
from lossatlas.runs.notebook import CLASS_COLOURS
from lossatlas.training import Trajectory

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Figure

#: The strength of the colour of its class in a region.
_TINT = 0.45


def draw_surface(surface: LossSurface, title: str) -> Figure:
    """Draw a loss surface over (a, b), with height and colours on a logarithmic scale."""
    go = _import_plotly()
    known = np.isfinite(surface.loss) & (surface.loss > 0)
    loss = np.where(known, surface.loss, np.nan).astype(np.float64)  # Plotly does not draw NaN
    decades = np.log10(loss)
    ticks = _choose_ticks(loss)
    named = {"tickvals": np.log10(ticks), "ticktext": [f"{tick:g}" for tick in ticks]}
    figure = go.Figure(
        go.Surface(
            x=surface.coordinates,
            y=surface.coordinates,
            z=loss,
            surfacecolor=decades,
            colorscale="Viridis",
            colorbar={"title": {"text": "loss"}, **named},
            hovertemplate="a %{x:.3g}, b %{y:.3g}: loss %{z:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        title=title,
        scene={"xaxis_title": "a", "yaxis_title": "b", "zaxis_title": "loss", "zaxis_type": "log"},
    )
    return figure


def draw_boundary(boundary: DecisionBoundary, dataset: Dataset, title: str) -> Figure:
    """Draw the predicted class over the input plane and the data on it, in the units of the data."""
    go = _import_plotly()
    (x_mean, y_mean), (x_scale, y_scale) = dataset.mean, dataset.scale
    colours = [f"rgb({red:.0f}, {green:.0f}, {blue:.0f})" for red, green, blue in CLASS_COLOURS]
    pale = [f"rgb({red:.0f}, {green:.0f}, {blue:.0f})" for red, green, blue in 255 - _TINT * (255 - CLASS_COLOURS)]
    count = dataset.class_count
    steps = [(at / count, pale[k]) for k in range(count) for at in (k, k + 1)]
    figure = go.Figure(
        go.Heatmap(
            x=boundary.grid.x * x_scale + x_mean,
            y=boundary.grid.y * y_scale + y_mean,
            z=boundary.predicted_class,
            customdata=boundary.confidence,
            zmin=-0.5,
            zmax=count - 0.5,
            colorscale=steps,
            showscale=False,
            name="predicted class",
            hovertemplate="class %{z}, probability %{customdata:.3f}<extra></extra>",
        )
    )
    for k, name in enumerate(dataset.class_names):
        of_class = dataset.points[dataset.labels == k] * dataset.scale + dataset.mean
        marker = {"color": colours[k], "line": {"color": "white", "width": 1}}
        figure.add_trace(go.Scatter(x=of_class[:, 0], y=of_class[:, 1], mode="markers", name=name, marker=marker))
    x_name, y_name = dataset.feature_names
    figure.update_layout(title=title, xaxis_title=x_name, yaxis_title=y_name)
    return figure


def draw_curves(trajectory: Trajectory, title: str) -> Figure:
    """Draw the losses of the training and the test points over the epochs, on a logarithmic scale."""
    go = _import_plotly()
    figure = go.Figure()
    for name, dash in (("train", "solid"), ("test", "dash")):
        losses = np.asarray(trajectory.metrics[f"{name}_loss"], np.float64)
        epochs = np.asarray(trajectory.epochs)
        figure.add_trace(go.Scatter(x=epochs, y=losses, name=f"{name} loss", line={"dash": dash}))
    figure.update_layout(title=title, xaxis_title="epoch", yaxis_title="loss", yaxis_type="log")
    return figure


def _choose_ticks(loss: Float64) -> list[float]:
    """List round losses in the range of losses of any shape: 1, 2 and 5 times the powers of ten, or only the powers."""
    if np.isnan(loss).all():
        return []
    low, high = np.nanmin(loss), np.nanmax(loss)
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    factors = (1, 2, 5) if len(powers) < 5 else (1,)
    rounds = [float(f"{factor}e{power}") for power in powers for factor in factors]
    return [each for each in rounds if low <= each <= high]


def _import_plotly() -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        message = 'figures are drawn by Plotly, which is not installed: pip install "lossatlas[plot]"'
        raise MissingExtraError(message) from error
    return go
