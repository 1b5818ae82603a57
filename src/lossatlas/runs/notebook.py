"""Makes the HTML that shows a run in a notebook: its title, its numbers, and three small pictures."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape

import numpy as np

from lossatlas.arrays import Float32, Float64, UInt8
from lossatlas.landscape import Cut, DecisionBoundary
from lossatlas.training import Trajectory

#: Ten colours of Viridis (van der Walt and Smith 2015, CC0), with which the page draws losses.
VIRIDIS = np.array(
    [
        (68, 1, 84),
        (72, 40, 120),
        (62, 73, 137),
        (49, 104, 142),
        (38, 130, 142),
        (31, 158, 137),
        (53, 183, 121),
        (110, 206, 88),
        (181, 222, 43),
        (253, 231, 37),
    ],
    np.float64,
)
#: The colours of the classes on the page.
CLASS_COLOURS = np.array(
    [
        (33, 102, 172),
        (203, 67, 40),
        (224, 168, 0),
        (132, 24, 252),
        (60, 228, 192),
        (36, 12, 36),
        (216, 204, 120),
        (144, 180, 252),
        (96, 96, 96),
        (12, 12, 132),
    ],
    np.float64,
)
#: The side of a picture in CSS pixels.
_SIDE = 180
#: The margin around the curves in CSS pixels.
_ROOM = 8


def make_html(title: str, parameters: int, trajectory: Trajectory, cut: Cut, boundary: DecisionBoundary) -> str:
    """Make HTML with the title of a run, the numbers at the end of its training, and three pictures.

    Parameters
    ----------
    title
        The title of the run.
    parameters
        The number of parameters of the network.
    trajectory
        The training with the losses to draw.
    cut
        The plane with the surface to draw.
    boundary
        The predictions at the end of training.

    Returns
    -------
    str
        HTML that needs no other files.
    """
    last = {name: float(values[-1]) for name, values in trajectory.metrics.items()}
    facts = {
        "parameters": f"{parameters:,}",
        "epochs": f"{int(trajectory.epochs[-1]):,}",
        "train loss": f"{last['train_loss']:.3g}",
        "test loss": f"{last['test_loss']:.3g}",
        "test accuracy": f"{100 * last['test_accuracy']:.1f} %",
    }
    plane = cut.plane
    pictures = [
        (colour_surface(cut.loss_surface[0, -1]), f"Train loss, {plane.title.lower()}, ±{plane.spans[0]:g}"),
        (colour_boundary(boundary.predicted_class, boundary.confidence), "Predicted class over the input plane"),
    ]
    figures = [
        _make_figure(f'<img width="{_SIDE}" height="{_SIDE}" alt="{escape(text)}" src="{_make_data_url(rgb)}">', text)
        for rgb, text in pictures
    ]
    losses = [np.asarray(trajectory.metrics[name], np.float64) for name in ("train_loss", "test_loss")]
    figures.append(_make_figure(_draw_curves(trajectory.epochs, losses), "Loss by epoch: train, and test dashed"))
    numbers = " · ".join(f"{name} <b>{value}</b>" for name, value in facts.items())
    return (
        f'<div style="font-family: sans-serif"><b>{escape(title)}</b><br>{numbers}'
        f'<div style="display: flex; flex-wrap: wrap; gap: 16px; margin-top: 8px">{"".join(figures)}</div></div>'
    )


def colour_surface(loss: Float32) -> UInt8:
    """Colour a loss surface ``[b, a]`` on a logarithmic scale. Return pixels ``[H, W, 3]`` with b upwards."""
    known = np.isfinite(loss) & (loss > 0)
    low, high = (float(bound) for bound in np.quantile(loss[known], (0, 0.96))) if known.any() else (1.0, 1.0)
    with np.errstate(divide="ignore"):
        logs = np.log(np.clip(np.where(np.isnan(loss), np.inf, loss).astype(np.float64), low, max(high, low)))
    width = np.log(max(high, low) / low)
    share = (logs - np.log(low)) / width if width > 0 else np.zeros_like(logs)
    at = share * (len(VIRIDIS) - 1)
    stops = np.arange(len(VIRIDIS))
    colours = np.stack([np.interp(at, stops, channel) for channel in VIRIDIS.T], axis=-1)
    picture: UInt8 = np.rint(colours[::-1]).astype(np.uint8)
    return picture


def colour_boundary(predicted: UInt8, confidence: Float32) -> UInt8:
    """Colour predicted classes ``[y, x]`` by their probabilities. Return pixels ``[H, W, 3]`` with y upwards."""
    least = 1 / max(2, int(predicted.max()) + 1)
    strength = 0.6 * np.clip((confidence - least) / (1 - least), 0, 1)[..., None]
    colours = 255 + strength * (CLASS_COLOURS[predicted % len(CLASS_COLOURS)] - 255)
    picture: UInt8 = np.rint(colours[::-1]).astype(np.uint8)
    return picture


def encode_png(rgb: UInt8) -> bytes:
    """Encode pixels ``[H, W, 3]`` uint8 as PNG (PNG specification, third edition, sections 5 and 10)."""

    def make_chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = rgb.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rgb.reshape(height, -1)], axis=1)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            make_chunk(b"IHDR", header),
            make_chunk(b"IDAT", zlib.compress(rows.tobytes())),
            make_chunk(b"IEND", b""),
        ]
    )


def _make_data_url(rgb: UInt8) -> str:
    return "data:image/png;base64," + b64encode(encode_png(rgb)).decode()


def _make_figure(picture: str, text: str) -> str:
    caption = f'<figcaption style="max-width: {_SIDE}px; font-size: 12px">{escape(text)}</figcaption>'
    return f'<figure style="margin: 0">{picture}{caption}</figure>'


def _draw_curves(epochs: Sequence[int], losses: list[Float64]) -> str:
    """Draw losses, each ``[F]``, over epochs as an SVG on a logarithmic scale."""
    shown = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in losses])
    low, high = (np.log(shown.min()), np.log(shown.max())) if len(shown) else (0.0, 1.0)
    size = _SIDE - 2 * _ROOM
    x = _ROOM + size * np.asarray(epochs, np.float64) / max(1, int(epochs[-1]))
    lines = []
    for values, dashes in zip(losses, ("", ' stroke-dasharray="4 3"'), strict=True):
        known = np.isfinite(values) & (values > 0)
        y = _ROOM + size * (high - np.log(values[known])) / max(high - low, 1e-9)
        places = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[known], y, strict=True))
        lines.append(f'<polyline fill="none" stroke="currentColor"{dashes} points="{places}"/>')
    text = "Loss by epoch"
    return f'<svg width="{_SIDE}" height="{_SIDE}" role="img" aria-label="{text}">{"".join(lines)}</svg>'
