"""Measures training in the page: epochs per second of a worker in Chromium that measures, sends and keeps each epoch.

    python -m benchmarks.training_page [ROUNDS]

It trains a network 2 × 16 tanh on 256 points of the half moons with Adam, with full batches and with minibatches of 32,
in turns. Then the page itself trains with full batches for some seconds, and Chromium's trace measures its main thread
in each drawn frame. Two workers and the rendering use the same cores, so wall times are larger than CPU times.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from tests.support.pages import until
from tests.web.conftest import FLAGS, app_server, chromium

from benchmarks.frames import Frames, trace_frames
from benchmarks.measure import describe_machine
from lossatlas.runs import RunConfig, Setup, compute_run
from lossatlas.store import Gallery
from lossatlas.training import Training, TrainingConfig

_EPOCHS = 3000
#: Epochs that are trained before the measurement, so that the browser has compiled the code.
_WARM_UP = 300
#: How many milliseconds the page is measured.
_WATCHED = 8_000
_UNDER_WAY = """() => {
    const {run, epoch} = window.lossatlas?.shown() ?? {run: '', epoch: 0};
    return run.startsWith('here-') && epoch > 99;
}"""
_CASES = {
    "full batch": TrainingConfig(batch_size="full", epochs=_EPOCHS, frames=2),
    "minibatches of 32": TrainingConfig(batch_size=32, epochs=_EPOCHS, frames=2),
}

_RATE = """async ({task, warmUp, epochs}) => {
    const {createTrainer} = await import('/compute/engine/trainer_client.js');
    return new Promise((done, fail) => {
        let started = 0;
        const trainer = createTrainer({
            onNews({status, message, record}) {
                if (status === 'diverged') fail(new Error(message));
                if (status === 'ready') trainer.start(warmUp);
                if (status !== 'finished') return;
                if (started) {
                    trainer.close();
                    done(1000 * (epochs - warmUp) / (performance.now() - started));
                    return;
                }
                started = performance.now();
                trainer.start(epochs);
            },
            onError: (message) => fail(new Error(message)),
        });
        trainer.open(task);
    });
}"""


def make_task(config: TrainingConfig) -> dict[str, Any]:
    """Make the message that starts a training of the default run in the page."""
    setup = Setup.of(RunConfig(training=config))
    network, dataset = setup.network, setup.dataset
    samples = {
        name: {"points": points.ravel().tolist(), "labels": labels.tolist()}
        for name, (points, labels) in (("train", dataset.train), ("test", dataset.test))
    }
    shape = {"layers": network.layers, "activation": network.activation.name, "residual": network.residual}
    return {"network": shape, "config": config.model_dump(), "samples": samples}


def time_in_page(page: Page, config: TrainingConfig) -> float:
    """Measure the epochs per second of the worker."""
    rate: float = page.evaluate(_RATE, {"task": make_task(config), "warmUp": _WARM_UP, "epochs": config.epochs})
    return rate


def time_in_python(config: TrainingConfig) -> float:
    """Measure the epochs per second of NumPy, which records only the first and the last epoch."""
    setup = Setup.of(RunConfig(training=config))
    training = Training(setup.network, setup.dataset, config)
    start = time.perf_counter()
    for _ in training:
        pass
    return config.epochs / (time.perf_counter() - start)


def measure_frames(browser: Browser, url: str) -> tuple[Frames, float]:
    """Measure the frames and the epochs per second of the page while it trains."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{url}?train=adam,0.01,full,0,0")
    page.get_by_role("combobox", name="Pace").select_option("Infinity")
    page.get_by_role("switch", name="Pause when flat").uncheck()
    until(page, _UNDER_WAY)
    rates: list[float] = []

    def watch() -> None:
        start, first = time.perf_counter(), page.evaluate("() => window.lossatlas.shown().epoch")
        page.wait_for_timeout(_WATCHED)
        epochs = page.evaluate("() => window.lossatlas.shown().epoch") - first
        rates.append(epochs / (time.perf_counter() - start))

    frames = trace_frames(browser, page, watch)
    page.close()
    return frames, rates[0]


def main(rounds: int) -> None:
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        gallery = Gallery(data)
        gallery.save(compute_run(RunConfig(training={"epochs": 2}, planes=({"grid": 5},))))
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(gallery) as url:
            page = browser.new_page(reduced_motion="reduce")
            page.goto(url)
            for _ in range(rounds):
                for name, config in _CASES.items():
                    rates.setdefault(f"{name}, in the page", []).append(time_in_page(page, config))
                    rates.setdefault(f"{name}, NumPy", []).append(time_in_python(config))
            frames, rate = measure_frames(browser, url)
        browser.close()
    print(describe_machine(), f"{rounds} rounds; epochs a second", sep="; ")
    for name, found in rates.items():
        print(f"  {name:<32} median {statistics.median(found):8.0f}  ({min(found):.0f} to {max(found):.0f})")
    drawn_a_second = len(frames.own) / _WATCHED * 1000
    print(f"  while both plots follow: {rate:.0f} epochs/s, {drawn_a_second:.1f} frames/s; ms a frame:")
    for name, spent in (("JavaScript", frames.own), ("by the clock", frames.clock)):
        slow = statistics.quantiles(spent, n=20)[-1]
        middle, most = statistics.median(spent), max(spent)
        print(f"  {name:<32} median {middle:8.1f}  (95 % within {slow:.1f}, at most {most:.1f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
