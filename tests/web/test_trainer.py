"""Tests the worker that trains in the page: its records, its messages, and its silence after a stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.training import METRICS, TrainingConfig
from tests.conftest import network_of, some_models
from tests.support.modules import open_modules
from tests.support.page_training import (
    CREATE,
    RECORD,
    open_trainer,
    python_snapshots,
    some_data,
    task,
    train_to_end,
    wait_for,
)
from tests.support.pages import until
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_every_epoch_is_recorded_as_python_records_it(page: Page, classes: int, activation: str) -> None:
    dataset = some_data(classes, 120)
    case = network_of(8, 8, activation=activation, residual=True, classes=classes), dataset, TrainingConfig(epochs=40)
    found = train_to_end(page, task(*case))
    snapshots, _ = python_snapshots(*case)
    assert found["epochs"] == [snapshot.epoch for snapshot in snapshots] == list(range(41))
    weights = np.array([snapshot.theta for snapshot in snapshots])
    # The tolerance is one step of float32.
    np.testing.assert_allclose(found["weights"], weights, rtol=2**-23, atol=1e-11)
    for name in METRICS:
        expected = [getattr(snapshot.metrics, name) for snapshot in snapshots]
        np.testing.assert_allclose(found["metrics"][name], expected, rtol=4e-6, err_msg=name)


def test_metrics_are_the_same_where_a_browser_has_no_simd(page: Page) -> None:
    network, dataset = network_of(6, 6, classes=3), some_data(3)
    theta = some_models(network, 1)[0].tolist()
    fast, plain = page.evaluate(
        """async ({network, samples, theta}) => {
            const {createMeasure} = await import('/compute/engine/measure.js');
            const {loadModule} = await import('/compute/engine/kernel.js');
            const simd = await loadModule(async (name) => (await fetch(`/compute/engine/${name}`)).arrayBuffer());
            return [simd, null].map((module) => createMeasure(network, samples, module).measure(theta));
        }""",
        task(network, dataset, TrainingConfig(), theta=theta),
    )
    assert plain == pytest.approx(fast, rel=4e-6)


@pytest.mark.parametrize(
    ("learning_rate", "activation", "weight_decay", "batch_size"),
    [(1000, "relu", 1.0, "full"), (1000, "linear", 0.0, 32), (9999, "gelu", 0.5, 16), (1000, "relu", 0.0, "full")],
)
def test_divergence_is_reported_as_in_python(
    page: Page, learning_rate: float, activation: str, weight_decay: float, batch_size: int | Literal["full"]
) -> None:
    config = TrainingConfig(
        optimizer="sgd", learning_rate=learning_rate, epochs=60, batch_size=batch_size, weight_decay=weight_decay
    )
    case = network_of(5, 5, activation=activation), some_data(2), config
    found = train_to_end(page, task(*case))
    snapshots, training = python_snapshots(*case)
    last = page.evaluate("() => window.news.at(-1)")
    assert last["status"] == ("diverged" if training.outcome.status == "diverged" else "finished")
    assert last["message"] == training.outcome.message
    assert found["epochs"] == [snapshot.epoch for snapshot in snapshots]
    if last["status"] == "diverged":
        page.evaluate("() => { window.trainer.step(); window.trainer.start(1000); }")  # it cannot continue
        assert page.evaluate("async () => (await window.trainer.state()).epoch") == training.outcome.epoch


def test_the_diverging_cases_include_an_overflow() -> None:
    """The first case of the test above, whose weights overflow, diverges."""
    config = TrainingConfig(optimizer="sgd", learning_rate=1000, epochs=60, batch_size="full", weight_decay=1.0)
    _, training = python_snapshots(network_of(5, 5, activation="relu"), some_data(2), config)
    assert training.outcome.status == "diverged"


def test_learning_rates_are_written_as_python_writes_them(page: Page) -> None:
    rng = np.random.default_rng(3)
    values = [0.1, 1e-5, 0.0001, 9999.0, 10_000.0, 123456.7, 999999.9, 1e6, 0.00099999996, 1 / 3]
    values += (10 ** rng.uniform(-9, 9, 300)).tolist()
    written = "async (values) => values.map((await import('/lib/numbers.js')).generalText)"
    assert page.evaluate(written, values) == [f"{value:g}" for value in values]


def test_pausing_and_stepping_change_nothing_of_what_is_learnt(page: Page) -> None:
    given = task(network_of(8, 8), some_data(2), TrainingConfig(epochs=400, batch_size=8))
    whole = train_to_end(page, given)
    open_trainer(page, given)
    page.evaluate("() => { window.trainer.step(); window.trainer.step(); }")
    until(page, "() => window.record.epochs.at(-1) === 2")
    page.evaluate("() => { window.trainer.limit(100); window.trainer.start(); }")
    until(page, "() => window.record.epochs.at(-1) > 4")
    page.evaluate("() => { window.trainer.pause(); window.trainer.limit(Infinity); }")
    wait_for(page, "paused")
    paused = page.evaluate("async () => [window.record.epochs.at(-1), (await window.trainer.state()).epoch]")
    assert paused[0] == paused[1] < 400
    page.evaluate("() => window.trainer.start()")
    wait_for(page, "finished")
    assert page.evaluate(RECORD) == whole
    page.evaluate("() => window.trainer.start(410)")
    until(page, "() => window.record.epochs.at(-1) === 410")


def test_a_fork_from_a_state_ends_where_the_whole_does(page: Page) -> None:
    given = task(network_of(8, 8), some_data(2), TrainingConfig(epochs=20, batch_size=8))
    whole = train_to_end(page, given)
    open_trainer(page, given)
    page.evaluate("() => window.trainer.start(9)")
    until(page, "() => window.record.epochs.at(-1) === 9")
    page.evaluate("async (task) => { window.trainer.open({...task, state: await window.trainer.state()}); }", given)
    until(page, "() => window.record.epochs[0] === 9")
    page.evaluate("() => window.trainer.start()")
    wait_for(page, "finished")
    fork = page.evaluate(RECORD)
    assert fork["epochs"] == list(range(9, 21))
    assert fork["weights"] == whole["weights"][9:]


def test_messages_are_few_however_many_epochs(page: Page) -> None:
    given = task(network_of(4), some_data(2), TrainingConfig(epochs=3000, batch_size="full"))
    open_trainer(page, given)
    start = page.evaluate("() => { window.trainer.start(); return performance.now(); }")
    wait_for(page, "finished")
    news = page.evaluate("() => window.news")
    assert [epoch for each in news for epoch in each["fresh"]] == list(range(3001))
    assert len(news) <= (news[-1]["at"] - start) / 33 + 3


def test_a_limit_makes_it_slow_enough_to_watch(page: Page) -> None:
    open_trainer(page, task(network_of(4), some_data(2), TrainingConfig(epochs=15)))
    start = page.evaluate("() => { window.trainer.limit(20); window.trainer.start(); return performance.now(); }")
    wait_for(page, "finished")
    news = page.evaluate("() => window.news")
    assert news[-1]["at"] - start >= 14 * 50  # these are 15 epochs, the first of which is trained at once
    assert max(len(each["fresh"]) for each in news) <= 2  # each epoch is reported when it is trained


def test_nothing_is_reported_of_a_training_after_it_is_stopped(page: Page) -> None:
    endless = task(network_of(8, 8), some_data(2), TrainingConfig(epochs=1_000_000))
    short = task(network_of(4), some_data(2), TrainingConfig(epochs=300))
    open_trainer(page, endless)
    page.evaluate("() => window.trainer.start()")
    until(page, "() => window.record.epochs.length > 5")
    counted = page.evaluate("() => { window.trainer.stop(); return window.news.length; }")
    page.evaluate("(task) => { window.trainer.open(task); window.trainer.start(); }", short)
    wait_for(page, "finished")
    later = page.evaluate("() => window.news")[counted:]
    assert [epoch for each in later for epoch in each["fresh"]] == list(range(301))


def test_the_worker_itself_is_silent_after_a_stop(page: Page) -> None:
    """The test uses the worker without its client, which would drop late messages."""
    endless = task(network_of(8, 8), some_data(2), TrainingConfig(epochs=1_000_000))
    page.evaluate(
        """(task) => {
            window.heard = [];
            window.raw = new Worker('/compute/engine/trainer.js', {type: 'module'});
            window.raw.onmessage = ({data}) => {
                if (data.id === undefined) return;  // its first message says only that it has loaded
                window.heard.push([data.id, data.status]);
                if (window.heard.length === 4) {  // it is running: stop it, and ask for another
                    window.raw.postMessage({type: 'stop', id: 1});
                    window.raw.postMessage({type: 'open', id: 2, task});
                    window.raw.postMessage({type: 'start', id: 2, until: 500});
                }
            };
            window.raw.postMessage({type: 'open', id: 1, task});
            window.raw.postMessage({type: 'start', id: 1});
        }""",
        endless,
    )
    until(page, "() => window.heard.at(-1)?.join() === '2,finished'")
    heard = page.evaluate("() => { window.raw.terminate(); return window.heard.map(([id]) => id); }")
    assert heard == sorted(heard)
    assert heard.count(1) <= 5  # one message may have been sent before the stop arrived


def test_a_stop_before_the_start_is_kept(page: Page) -> None:
    page.evaluate(CREATE)
    given = task(network_of(4), some_data(2), TrainingConfig(epochs=50))
    page.evaluate("(task) => { trainer.open(task); trainer.start(); trainer.stop(); trainer.open(task); }", given)
    wait_for(page, "ready")
    assert page.evaluate("async () => (await trainer.state()).epoch") == 0
    assert page.evaluate("() => window.news.length") == 1


def test_errors_in_the_worker_are_reported(page: Page) -> None:
    page.evaluate(CREATE)
    given = task(network_of(4), some_data(2), TrainingConfig(), theta=[1.0])
    page.evaluate("(task) => { window.trainer.open(task); }", given)
    until(page, "() => window.errors.length > 0")
    assert page.evaluate("() => window.errors") == ["Error: theta has 1 numbers, and the network 22"]


# the record of the page -------------------------------------------------------------------------------------------


def thin_epochs(first: int, last: int, most: int) -> tuple[list[int], int]:
    """Return the epochs that a record of ``most`` rows contains, found one by one, and their stride."""
    rows: list[int] = []
    stride = 1
    for epoch in range(first, last + 1):
        if len(rows) > 1 and rows[-1] % stride:
            rows.pop()
        while len(rows) >= most:
            stride *= 2
            rows = [row for row in rows if row % stride == 0 or row == first]
        rows.append(epoch)
    return rows, stride


@given(st.integers(0, 9), st.integers(0, 700), st.integers(2, 40), st.integers(1, 90))
def test_a_long_record_is_thinned_out(page: Page, first: int, count: int, most: int, batch: int) -> None:
    found = page.evaluate(
        """async ({first, count, most, batch}) => {
            const {createRecord} = await import('/compute/engine/record.js');
            const record = createRecord(3, 12 * most);
            for (let start = first; start <= first + count; start += batch) {
                const epochs = Array.from({length: Math.min(batch, first + count + 1 - start)}, (_, i) => start + i);
                const column = epochs.map((epoch) => 2 * epoch);
                const metrics = {train_loss: column, test_loss: column, train_accuracy: column, test_accuracy: column};
                const theta = Float32Array.from(epochs.flatMap((epoch) => [epoch, epoch + 0.5, -epoch]));
                record.add({epochs, metrics, theta});
            }
            const {epochs, stride, metrics, theta} = record;
            return {epochs, stride, test: metrics.test_accuracy, weights: epochs.map((_, row) => [...theta(row)])};
        }""",
        {"first": first, "count": count, "most": most, "batch": batch},
    )
    epochs, stride = thin_epochs(first, first + count, most)
    assert (found["epochs"], found["stride"]) == (epochs, stride)
    assert epochs[0] == first
    assert epochs[-1] == first + count
    assert found["test"] == [2 * epoch for epoch in epochs]
    assert found["weights"] == [[epoch, epoch + 0.5, -epoch] for epoch in epochs]


@given(st.integers(0, 300), st.integers(1, 700), st.integers(2, 40))
def test_a_shot_means_its_epoch_while_the_record_is_thinned_out(page: Page, held: int, more: int, most: int) -> None:
    """A shot refers to an epoch, whose row in the record may change, or be deleted, while the shot is in use."""
    found = page.evaluate(
        """async ({held, more, most}) => {
            const [{createRecord}, {Run}, {shotOf}] = await Promise.all(
                ['compute/engine/record', 'model/run', 'model/shot'].map((name) => import(`/${name}.js`)));
            const record = createRecord(1, 4 * most);
            const add = (epoch) => {
                const metrics = {train_loss: [0], test_loss: [0], train_accuracy: [0], test_accuracy: [0]};
                record.add({epochs: [epoch], metrics, theta: Float32Array.of(epoch)});
            };
            for (let epoch = 0; epoch <= held; epoch++) add(epoch);
            const run = new Run({format_version: 1, frames: record.epochs, metrics: {}, planes: []});
            const shot = shotOf(run, record.epochs.length - 1, {});
            const seen = [];
            for (let epoch = held + 1; epoch <= held + more; epoch++) {
                add(epoch);
                seen.push([shot.frame, record.epochs[shot.frame], record.theta(shot.frame)[0],
                    Math.min(...record.epochs.map((each) => Math.abs(each - held)))]);
            }
            return seen;
        }""",
        {"held": held, "more": more, "most": most},
    )
    for frame, epoch, theta, nearest in found:
        assert frame >= 0
        assert theta == epoch
        assert abs(epoch - held) == nearest
