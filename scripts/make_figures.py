"""Draw the figures of docs/reading-a-landscape.md: ``python -m scripts.make_figures``.

The script needs the dependency group ``docs``. It writes docs/images/*.png, and docs/images/figures.json with the
numbers that the page quotes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from lossatlas.arrays import Floats
from lossatlas.landscape import Cut, unit_coordinates
from lossatlas.planes import Path as PlanePath
from lossatlas.runs import Run
from scripts.figure_data import Shown, compute_everything, find_cut
from scripts.processors import compute_chaotic_numbers

WHERE = Path(__file__).parent.parent / "docs" / "images"
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"  # from Okabe and Ito's colour-blind safe palette
A, B = "a  (along d_a)", "b  (along d_b)"
#: The largest size of a picture in bytes.
MOST_BYTES = 120_000


def make_axes(figure: Figure, columns: int, rows: int = 1) -> list[Any]:
    return list(np.ravel(figure.subplots(rows, columns, squeeze=False)))


def make_figure(width: float = 8.0, height: float = 3.0) -> Figure:
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def draw_contours(axes: Any, cut: Cut, span: int = 0) -> Any:
    """Draw the surface of a plane as filled contours of log10 of the training loss."""
    unit = cut.plane.spans[span] * unit_coordinates(cut.grid)
    filled = axes.contourf(unit, unit, np.log10(cut.loss_surface[span, -1]), levels=14, cmap="viridis")
    axes.set(xlabel=A, ylabel=B)
    axes.set_aspect("equal")
    return filled


def draw_path(axes: Any, path: PlanePath, colour: str = ORANGE) -> None:
    """Draw the projected path, with an open circle at its start and a filled circle at its end."""
    a, b = path.coordinates.T
    axes.plot(a, b, "-", color="white", linewidth=2.6)
    axes.plot(a, b, "-", color=colour, linewidth=1.3)
    axes.plot(a[0], b[0], "o", markerfacecolor="white", markeredgecolor=colour)
    axes.plot(a[-1], b[-1], "o", markerfacecolor=colour, markeredgecolor="white")


def draw_slices(data: dict[str, Any]) -> Figure:
    figure = make_figure(9.2, 3.1)
    run: Run = data["run"]
    titles = {"gaussian-filter": "Filter-normalised", "pca": "PCA of the path", "hessian": "Hessian"}
    for axes, (name, title) in zip(make_axes(figure, 3), titles.items(), strict=True):
        cut = find_cut(run, name)
        bar = figure.colorbar(draw_contours(axes, cut), ax=axes, location="bottom", shrink=0.85)
        bar.set_label("log₁₀ training loss")
        bar.locator = mpl.ticker.MaxNLocator(4)
        bar.update_ticks()
        draw_path(axes, cut.path)
        axes.set_title(f"{title}: holds {cut.path.explained_variance:.1%}", fontsize=9)
    return figure


def draw_walk(walk: dict[str, Any], usual: dict[str, Any]) -> Figure:
    figure = make_figure(7.0, 3.1)
    left, right = make_axes(figure, 2)
    for axes, path, title in (
        (left, walk["path"], "A random walk"),
        (right, find_cut(usual["run"], "pca").path, "Training, 354 parameters"),
    ):
        draw_path(axes, path, BLUE)
        axes.set(xlabel="first component", ylabel="second component")
        axes.set_title(f"{title}: holds {path.explained_variance:.1%}", fontsize=9)
    return figure


def draw_scale(data: dict[str, Any]) -> Figure:
    figure = make_figure(7.4, 2.9)
    for axes, (kind, title) in zip(
        make_axes(figure, 2), {"none": "Raw Gaussian direction", "filter": "Filter-normalised"}.items(), strict=True
    ):
        for name, colour, width, style in (("as trained", BLUE, 4.0, "-"), ("rescaled", ORANGE, 1.5, "--")):
            label = name if name == "as trained" else "rescaled: ×10, ÷10"
            axes.semilogy(data["steps"], data["curves"][name, kind], style, color=colour, linewidth=width, label=label)
        axes.set(xlabel=A, ylabel="training loss")
        axes.set_title(title, fontsize=9)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def draw_spectrum(data: dict[str, Any]) -> Figure:
    figure = make_figure(7.0, 2.9)
    [axes] = make_axes(figure, 1)
    edges = np.concatenate([-np.logspace(0, -6, 37), [0.0], np.logspace(-6, 0, 37)])
    for values, colour, label in (
        (data["seen"], ORANGE, "dᵀHd of 2,000 random directions of length 1"),
        (data["spectrum"], BLUE, "the 354 eigenvalues"),
    ):
        axes.hist(values, edges, color=colour, alpha=0.75, label=label, weights=np.full(len(values), 1 / len(values)))
    axes.set_xscale("symlog", linthresh=1e-6)
    axes.set(xlabel="curvature", ylabel="share of each")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xticks([-1e-2, -1e-4, 0, 1e-4, 1e-2, 1])
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def draw_joined(data: dict[str, Any]) -> Figure:
    figure = make_figure(7.4, 2.9)
    titles = {"to the end": "start → end", "to another end": "end → end of another seed"}
    for axes, (name, title) in zip(make_axes(figure, 2), titles.items(), strict=True):
        for losses, colour, style, part in zip(
            data["curves"][name], (BLUE, ORANGE), ("-", "--"), ("training", "test"), strict=True
        ):
            axes.plot(data["along"], losses, style, color=colour, label=part)
        axes.set(xlabel="share of the way", ylabel="loss")
        axes.set_title(title, fontsize=9)
        axes.set_ylim(bottom=0)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def draw_edge(data: dict[str, Any]) -> Figure:
    figure = make_figure(7.4, 3.0)
    left, right = make_axes(figure, 2)
    for run, colour in zip(data["runs"], (ORANGE, BLUE), strict=True):
        rate, curvature = run.setup.config.training.learning_rate, run.curvature
        epochs = np.array(run.trajectory.epochs)
        left.plot(rate * epochs[list(curvature.frames)], curvature.largest, "-", color=colour, label=f"η = {rate:g}")
        left.axhline(curvature.stability, color=colour, linestyle=":", linewidth=1)
        left.text(0, curvature.stability + 0.25, f"2/η = {curvature.stability:g}", color=colour, fontsize=8)
        right.semilogy(rate * epochs, run.trajectory.metrics["train_loss"], color=colour)
    left.set(xlabel="η · epochs", ylabel="sharpness", ylim=(0, 22))
    right.set(xlabel="η · epochs", ylabel="training loss")
    left.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(0.0, 0.62))
    return figure


def draw_twins(data: dict[str, Any]) -> Figure:
    figure = make_figure(7.0, 5.6)
    panels = make_axes(figure, 2, 2)
    for column, (run, title) in enumerate(zip(data["runs"], ("plain", "residual"), strict=True)):
        cut = find_cut(run, "gaussian-filter")
        loss, curved = panels[column], panels[2 + column]
        unit = cut.plane.spans[0] * unit_coordinates(cut.grid)
        levels = np.linspace(-3, 0.8, 20)
        surface = np.log10(cut.loss_surface[0, 0])
        filled = loss.contourf(unit, unit, surface, levels=levels, cmap="viridis", extend="both")
        loss.set_title(f"20 × 8 tanh, {title}", fontsize=9)
        ratio = _draw_ratio(curved, cut)
        curved.set_title(f"not convex: {cut.nonconvex_share:.0%} of the grid", fontsize=9)
        for axes in (loss, curved):
            axes.set(xlabel=A, ylabel=B)
            axes.set_aspect("equal")
    figure.colorbar(filled, ax=panels[:2], ticks=[-3, -2, -1, 0]).set_label("log₁₀ training loss")
    figure.colorbar(ratio, ax=panels[2:]).set_label("−λ_min / λ_max (0.05 and less: convex)", fontsize=8)
    return figure


def _draw_ratio(axes: Any, cut: Cut) -> Any:
    ratio: Floats = np.clip(-(cut.nonconvexity if cut.nonconvexity is not None else np.zeros((1, 1))), 0.05, 1.0)
    span = cut.plane.spans[0]
    half = span / (len(ratio) - 1)
    box = (-span - half, span + half, -span - half, span + half)
    return axes.imshow(ratio, origin="lower", extent=box, cmap="viridis", vmin=0.05, vmax=1.0, interpolation="nearest")


def list_drawings(shown: dict[str, Shown]) -> dict[str, Callable[[], Figure]]:
    """List the functions that draw the pictures, by the names of the files."""
    data = {name: one.data for name, one in shown.items()}
    return {
        "three-slices": lambda: draw_slices(data["slices"]),
        "random-walk": lambda: draw_walk(data["walk"], data["slices"]),
        "scale": lambda: draw_scale(data["scale"]),
        "spectrum": lambda: draw_spectrum(data["spectrum"]),
        "lines": lambda: draw_joined(data["joined"]),
        "edge-of-stability": lambda: draw_edge(data["edge"]),
        "twins": lambda: draw_twins(data["twins"]),
    }


def write(shown: dict[str, Shown]) -> None:
    """Write the pictures and the numbers."""
    mpl.rcParams.update({"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False})
    for name, draw in list_drawings(shown).items():
        file = WHERE / f"{name}.png"
        draw().savefig(file, metadata={"Software": None})
        size = file.stat().st_size
        print(f"{file.name}: {size:,} bytes")
        if size >= MOST_BYTES:
            raise ValueError(f"{file.name} has {size:,} bytes, but {MOST_BYTES:,} are allowed")
    numbers = {key: value for one in shown.values() for key, value in one.numbers.items()} | compute_chaotic_numbers()
    text = json.dumps(numbers, ensure_ascii=False, indent=1) + "\n"
    (WHERE / "figures.json").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    write(compute_everything())
