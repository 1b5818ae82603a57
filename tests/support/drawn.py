"""Reads the drawn surface back from Plotly's public ``data``, as losses over (a, b)."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Frame, Page

from lossatlas.arrays import Float64

#: The height of the range's bottom above the floor (figures/relief.js).
GROUND = 0.06
#: JavaScript that returns the coordinates of the traces (NaN as null), the size of the grid, and the range.
_READ = """(root) => {
    const plot = document.querySelector(root);
    const {span, scale} = window.lossatlas.shown();
    const numbers = (values) => Array.from(values ?? [], (value) => Number.isNaN(value) ? null : value);
    return {
        span, scale, ...window.lossatlas.range(), grid: plot.data[0].y.findIndex((y) => y !== -1),
        traces: Object.fromEntries(plot.data.map(({name, x, y, z, intensity}) => [name, {
            x: numbers(x), y: numbers(y), z: numbers(z), intensity: numbers(intensity),
        }])),
    };
}"""
#: JavaScript that returns the drawn losses ``[b, a]``; losses above the range are drawn at its top.
LOSSES = f"""(() => {{
    const [mesh] = document.querySelector('#landscape-plot .drawing').data;
    const grid = mesh.y.findIndex((y) => y !== -1);
    const {{low, high}} = window.lossatlas.range();
    const loss = (height) => {{
        const share = (height - {GROUND}) / (1 - {GROUND});
        return window.lossatlas.shown().scale === 'log' ? low * (high / low) ** share : low + share * (high - low);
    }};
    return Array.from({{length: grid}}, (_, j) => Array.from(mesh.z.slice(j * grid, (j + 1) * grid), loss));
}})()"""


class Drawn:
    """One picture of the surface. ``a`` and ``b`` are in units of the plane, and heights are converted to losses."""

    def __init__(self, page: Page | Frame, root: str = "#landscape-plot .drawing") -> None:
        read: dict[str, Any] = page.evaluate(_READ, root)
        self.span, self.scale, self.low, self.high = (read[name] for name in ("span", "scale", "low", "high"))
        self.grid: int = read["grid"]
        self._traces = read["traces"]

    def _numbers(self, name: str, axis: str) -> Float64:
        if name in {"above", "below"}:  # one trace contains both lines, one after the other
            both = self._numbers("lines", axis)
            return both[: len(both) // 2] if name == "above" else both[len(both) // 2 :]
        values = self._traces[name][axis] if name in self._traces else [None]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def loss(self, heights: Float64) -> Float64:
        share = (heights - GROUND) / (1 - GROUND)
        bent = (
            self.low * (self.high / self.low) ** share
            if self.scale == "log"
            else self.low + share * (self.high - self.low)
        )
        return np.asarray(bent, np.float64)

    @property
    def axis(self) -> Float64:
        """The sampled a, in units of the plane."""
        return np.asarray(self.span * self._numbers("surface", "x")[: self.grid], np.float64)

    @property
    def heights(self) -> Float64:
        """The heights ``[b, a]`` in units of the box, up to 1."""
        return self._numbers("surface", "z")[: self.grid**2].reshape(self.grid, self.grid)

    @property
    def floor_levels(self) -> Float64:
        """The level of each point of the lines, in units of the box."""
        return np.round((self._numbers("above", "z") + self._numbers("below", "z")) / 2, 12)

    @property
    def levels(self) -> Float64:
        """The levels of the lines of equal loss, in units of the box."""
        levels = np.unique(self.floor_levels)
        return np.asarray(levels[np.isfinite(levels)], np.float64)

    @property
    def losses(self) -> Float64:
        """The losses ``[b, a]``, up to the top of the range."""
        return self.loss(self._numbers("surface", "z")[: self.grid**2]).reshape(self.grid, self.grid)

    @property
    def colours(self) -> Float64:
        """The shares of the colour map ``[b, a]``."""
        return self._numbers("surface", "intensity")[: self.grid**2].reshape(self.grid, self.grid)

    def line(self, name: str, *, as_losses: bool = True) -> Float64:
        """Return the points (a, b, loss or height) ``[n, 3]`` of a line. NaN interrupts it; no line is one NaN."""
        a, b, height = (self._numbers(name, axis) for axis in "xyz")
        return np.column_stack([self.span * a, self.span * b, self.loss(height) if as_losses else height])

    def has(self, name: str) -> bool:
        return bool(np.isfinite(self._numbers(name, "x")).any())


def assert_drawn(page: Page | Frame, expected: Float64, rtol: float = 1e-6, least: float = 0.9) -> None:
    """Assert that the surface shows these losses, and that at most a share ``1 - least`` lies outside the range."""
    found = Drawn(page)
    assert found.grid == expected.shape[0]
    np.testing.assert_allclose(found.losses, np.clip(expected, found.low, found.high), rtol=rtol)
    assert np.mean((expected >= found.low) & (expected <= found.high)) >= least
