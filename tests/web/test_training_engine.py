"""Compares training in the page with training in Python: thetas and endings are the same, and a stop is final."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.arrays import Float64
from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.rng import Draws, Stream
from lossatlas.training import METRICS, OPTIMIZERS, Snapshot, Training, TrainingConfig
from tests.conftest import network_of, some_models
from tests.support.oracles import torch_gradient, torch_loss
from tests.support.pages import until, watched
from tests.web.conftest import Site
from tests.web.test_engine import describe_network

pytestmark = pytest.mark.browser

#: The tolerance after 30 epochs, relative to the largest number. Sums in another order made a difference of 3e-14.
TOLERANCE = 1e-11

SHAPES = [((), False), ((5,), False), ((4, 4), True), ((6, 5, 4), False), ((4, 4, 4), True)]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser):
        yield seen.open(served.url)


def some_data(classes: int, points: int = 60) -> Dataset:
    """Draw an odd number of training points, so that the last batch of 32 is smaller."""
    name = {2: "moons", 3: "arms"}[classes]
    return load_dataset(DatasetConfig(name=name, points=points, test_fraction=0.25, seed=2))


def sample(points: Float64, labels: Any) -> dict[str, Any]:
    return {"points": points.ravel().tolist(), "labels": labels.tolist()}


def task(network: Network, dataset: Dataset, config: TrainingConfig, **more: Any) -> dict[str, Any]:
    """Describe a training as the page receives it."""
    samples = {"train": sample(*dataset.train), "test": sample(*dataset.test)}
    return {"network": describe_network(network), "config": config.model_dump(), "samples": samples, **more}


TRAIN = """async (tasks) => {
    const {createTraining} = await import('/compute/engine/training.js');
    return tasks.map(({network, config, samples, theta}) => {
        const training = createTraining({network, config, theta, ...samples.train});
        const thetas = [[...training.theta]];
        while (!training.isFinished) {
            training.step();
            thetas.push([...training.theta]);
        }
        return thetas;
    });
}"""


def python_thetas(network: Network, dataset: Dataset, config: TrainingConfig) -> Float64:
    """Train in Python, and return theta ``[epoch, P]`` in float64, beginning with the untrained one."""
    return np.array([network.unpack(theta.copy()) for _, theta in Training(network, dataset, config)._iterate_epochs()])


def assert_same_thetas(page: Page, cases: list[tuple[Network, Dataset, TrainingConfig]]) -> None:
    found = page.evaluate(TRAIN, [task(*case) for case in cases])
    for case, thetas in zip(cases, found, strict=True):
        expected = python_thetas(*case)
        assert np.shape(thetas) == expected.shape
        assert thetas[0] == expected[0].tolist()
        assert np.abs(thetas - expected).max() <= TOLERANCE * np.abs(expected).max(), case


# the gradient -----------------------------------------------------------------------------------------------------

GRADIENTS = """async (cases) => {
    const {createGradient} = await import('/compute/engine/gradient.js');
    return cases.map(({network, theta, points, labels, order, start, count}) => {
        const {computeAt, gradient} = createGradient(network, Float64Array.from(theta), points, labels);
        computeAt(order, 0, order.length);  // what an earlier batch left must not matter
        const loss = computeAt(order, start, count);
        return [loss, [...gradient]];
    });
}"""


def test_loss_and_gradient_are_torchs_autograd(page: Page) -> None:
    rng = np.random.default_rng(8)
    cases, expected = [], []
    for activation in ACTIVATIONS:
        for hidden, residual in SHAPES:
            for classes in (2, 3, 5):
                network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
                theta = some_models(network, 1)[0].astype(np.float64)
                points, labels = rng.normal(size=(23, 2)), rng.integers(0, classes, 23)
                order, start, count = rng.permutation(23), int(rng.integers(5)), int(rng.integers(1, 18))
                batch = order[start : start + count]
                numbers = {"theta": theta.tolist(), "order": order.tolist(), "start": start, "count": count}
                cases.append({"network": describe_network(network), **sample(points, labels), **numbers})
                loss = torch_loss(network, theta, points[batch], labels[batch])
                expected.append((loss, torch_gradient(network, theta, points[batch], labels[batch])))
    for case, (loss, gradient), (right_loss, right) in zip(
        cases, page.evaluate(GRADIENTS, cases), expected, strict=True
    ):
        assert loss == pytest.approx(right_loss, rel=1e-12), case
        assert np.abs(gradient - right).max() <= 1e-12 * np.abs(right).max(), case


def test_many_points_are_added_up_in_pieces_to_the_same_gradient(page: Page) -> None:
    network, rng = network_of(6, 5, classes=3), np.random.default_rng(4)
    theta = some_models(network, 1)[0].astype(np.float64)
    points, labels = rng.normal(size=(700, 2)), rng.integers(0, 3, 700)
    numbers = {"theta": theta.tolist(), "order": list(range(700)), "start": 3, "count": 690}
    [[loss, gradient]] = page.evaluate(
        GRADIENTS, [{"network": describe_network(network), **sample(points, labels), **numbers}]
    )
    right = torch_gradient(network, theta, points[3:693], labels[3:693])
    assert loss == pytest.approx(torch_loss(network, theta, points[3:693], labels[3:693]), rel=1e-12)
    assert np.abs(gradient - right).max() <= 1e-12 * np.abs(right).max()


def test_a_loss_near_zero_keeps_its_digits(page: Page) -> None:
    """The model is a logistic regression with very certain predictions: -log p = log(1 + e⁻ᵐ) for the margin m."""
    network, margin = network_of(), 45.0
    theta = [0.0, 0.0, 0.0, 0.0, margin, 0.0]
    case = {"network": describe_network(network), "theta": theta, "points": [0.3, 0.1], "labels": [0], "order": [0]}
    [[loss, _]] = page.evaluate(GRADIENTS, [{**case, "start": 0, "count": 1}])
    assert loss == pytest.approx(math.log1p(math.exp(-margin)), rel=1e-12)


# whole trainings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [32, "full"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_thirty_epochs_end_where_pythons_do(page: Page, optimizer: str, batch_size: int | Literal["full"]) -> None:
    cases = []
    for number, (activation, (hidden, residual)) in enumerate((a, s) for a in ACTIVATIONS for s in SHAPES):
        dataset = some_data(2 + number % 2)
        network = network_of(*hidden, activation=activation, residual=residual, classes=dataset.class_count)
        config = TrainingConfig(
            optimizer=optimizer, batch_size=batch_size, epochs=30, learning_rate=0.01, weight_decay=0.02, seed=number
        )
        cases.append((network, dataset, config))
    assert_same_thetas(page, cases)


@pytest.mark.parametrize("batch_size", [7, 45, 1000])
def test_the_size_of_a_batch_may_be_anything(page: Page, batch_size: int) -> None:
    config = TrainingConfig(batch_size=batch_size, epochs=30, seed=2**53 - 1)
    assert_same_thetas(page, [(network_of(5, 4), some_data(2), config)])


def test_a_training_released_anywhere_is_torchs_gradient_descent(page: Page) -> None:
    network, dataset = network_of(5, 4), some_data(2)
    theta = some_models(network, 1)[0].astype(np.float64)
    config = TrainingConfig(optimizer="sgd", batch_size="full", epochs=5, learning_rate=0.3)
    [found] = page.evaluate(TRAIN, [task(network, dataset, config, theta=theta.tolist())])
    for epoch in range(6):
        assert np.abs(found[epoch] - theta).max() <= 1e-12
        theta = theta - 0.3 * torch_gradient(network, theta, *dataset.train)


@pytest.mark.parametrize("batch_size", [7, "full"])
def test_a_training_goes_on_from_its_state_to_the_same_bits(page: Page, batch_size: int | Literal["full"]) -> None:
    network, dataset = network_of(5, 4), some_data(2)
    tasks = [
        task(network, dataset, TrainingConfig(optimizer=name, batch_size=batch_size, epochs=11, weight_decay=0.01))
        for name in OPTIMIZERS
    ]
    found = page.evaluate(
        """async (tasks) => {
            const {createTraining} = await import('/compute/engine/training.js');
            return tasks.map(({network, config, samples}) => {
                const whole = createTraining({network, config, ...samples.train});
                for (let i = 0; i < 5; i++) whole.step();
                const state = whole.state();
                while (!whole.isFinished) whole.step();
                const parts = [1, 2].map(() => {  // twice: a state is not used up
                    const part = createTraining({network, config, state, ...samples.train});
                    const start = part.epoch;
                    while (!part.isFinished) part.step();
                    return [start, part.epoch, [...part.theta]];
                });
                return {whole: [...whole.theta], parts};
            });
        }""",
        tasks,
    )
    for each in found:
        assert each["parts"] == [[5, 11, each["whole"]]] * 2


def test_a_theta_of_another_network_is_refused(page: Page) -> None:
    refused = """async (task) => {
        const {createTraining} = await import('/compute/engine/training.js');
        try { createTraining({...task, ...task.samples.train}); } catch (error) { return error.message; }
    }"""
    wrong = task(network_of(3), some_data(2), TrainingConfig(), theta=[0.0, 1.0])
    assert page.evaluate(refused, wrong) == "theta has 2 numbers, and the network 17"


# random numbers ---------------------------------------------------------------------------------------------------


def test_doubles_and_orders_are_pythons(page: Page) -> None:
    cases = [
        (seed, int(stream), skip) for seed in (0, 5, 2**32, 2**53 - 1) for stream in Stream for skip in (0, 6, 999)
    ]
    found = page.evaluate(
        """async (cases) => {
            const {createDraws} = await import('/compute/engine/philox.js');
            return cases.map(([seed, stream, skip]) => {
                const draws = createDraws(seed, stream);
                draws.skip(skip);
                const doubles = Array.from({length: 7}, draws.next);
                const orders = [1, 2, 77, 300].map((count) => {
                    const order = new Int32Array(count);
                    draws.permute(order);
                    return [...order];
                });
                return {doubles, orders};
            });
        }""",
        cases,
    )
    for (seed, stream, skip), each in zip(cases, found, strict=True):
        draws = Draws(seed, Stream(stream))
        draws.skip(skip)
        assert each["doubles"] == draws.uniform(7).tolist()
        assert each["orders"] == [draws.permutation(count).tolist() for count in (1, 2, 77, 300)]


# the worker -------------------------------------------------------------------------------------------------------

CREATE = """async () => {
    const {createTrainer} = await import('/compute/engine/trainer_client.js');
    window.news = [];
    window.errors = [];
    window.trainer?.close();
    window.trainer = createTrainer({
        onNews: ({status, message, dead, advice, record, fresh}) => {
            window.record = record;
            window.news.push({status, message, dead, advice, fresh, at: performance.now()});
        },
        onError: (message) => window.errors.push(message),
    });
}"""
RECORD = """() => {
    const {epochs, metrics, theta, stride} = window.record;
    return {epochs, metrics, stride, weights: epochs.map((_, row) => [...theta(row)])};
}"""


def open_trainer(page: Page, given: dict[str, Any]) -> None:
    page.evaluate(CREATE)
    page.evaluate("(task) => { window.trainer.open(task); }", given)
    wait_for(page, "ready")


def wait_for(page: Page, *statuses: str) -> None:
    until(page, "(wanted) => wanted.includes(window.news.at(-1)?.status)", list(statuses))


def train_to_end(page: Page, given: dict[str, Any]) -> dict[str, Any]:
    """Run a training to its end, and return its record."""
    open_trainer(page, given)
    page.evaluate("() => window.trainer.start()")
    wait_for(page, "finished", "diverged")
    assert page.evaluate("() => window.errors") == []
    found: dict[str, Any] = page.evaluate(RECORD)
    return found


def python_snapshots(network: Network, dataset: Dataset, config: TrainingConfig) -> tuple[list[Snapshot], Training]:
    """Train in Python with every epoch recorded, as the page does."""
    training = Training(network, dataset, config.model_copy(update={"frames": config.epochs + 1}))
    return list(training), training


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_every_epoch_is_recorded_as_python_records_it(page: Page, classes: int, activation: str) -> None:
    dataset = some_data(classes, 120)
    case = network_of(8, 8, activation=activation, residual=True, classes=classes), dataset, TrainingConfig(epochs=40)
    found = train_to_end(page, task(*case))
    snapshots, _ = python_snapshots(*case)
    assert found["epochs"] == [snapshot.epoch for snapshot in snapshots] == list(range(41))
    weights = np.array([snapshot.theta for snapshot in snapshots])
    np.testing.assert_allclose(
        found["weights"], weights, rtol=2**-23, atol=1e-11
    )  # the tolerance is one step of float32
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


# diagnostics ------------------------------------------------------------------------------------------------------


def dead_in_numpy(network: Network, theta: Float64, points: Float64) -> list[int]:
    dead, given = [], points
    for weight, bias in list(zip(network.parameters[::2], network.parameters[1::2], strict=True))[:-1]:
        matrix = theta[weight.offset :][: weight.size].reshape(weight.shape)
        made = np.maximum(given @ matrix.T + theta[bias.offset :][: bias.size], 0.0)
        dead.append(int((made == 0).all(axis=0).sum()))
        given = made + given if network.has_skip(len(dead) - 1) else made
    return dead


@pytest.mark.parametrize(("hidden", "residual"), [((), False), ((9,), False), ((6, 5, 4), False), ((8, 8, 8), True)])
def test_dead_units_are_those_that_numpy_finds(page: Page, hidden: tuple[int, ...], residual: bool) -> None:
    network, points = network_of(*hidden, activation="relu", residual=residual), some_data(2).train[0]
    rng = np.random.default_rng(1)
    thetas = [theta - 3 * rng.random(theta.size) * (rng.random() < 0.8) for theta in some_models(network, 12)]
    count = """async ({network, thetas, points}) => {
        const {countDeadUnits} = await import('/compute/engine/diagnostics.js');
        return thetas.map((theta) => countDeadUnits(network, theta, points));
    }"""
    given = {"thetas": [theta.tolist() for theta in thetas], "points": points.ravel().tolist()}
    found = page.evaluate(count, {"network": describe_network(network), **given})
    assert found == [dead_in_numpy(network, theta, points) for theta in thetas]
    if hidden:
        assert 0 < np.sum(found) < 12 * sum(hidden)
        others = page.evaluate(count, {"network": {**describe_network(network), "activation": "tanh"}, **given})
        assert np.sum(others) == 0


def advice(page: Page, losses: Any, dead: list[int], sizes: list[int]) -> str | None:
    found: str | None = page.evaluate(
        "async (found) => (await import('/compute/engine/diagnostics.js')).adviceFor(found)",
        {"losses": list(losses), "classes": 2, "dead": dead, "sizes": sizes},
    )
    return found


def test_dead_units_are_reported_if_the_loss_is_not_good(page: Page) -> None:
    message = advice(page, [0.6] * 200, [1, 4], [16, 16])
    assert message is not None
    assert message.startswith("4 of 16 units of hidden layer 2 are dead")
    assert "GELU" in message
    assert advice(page, [0.3] * 200, [1, 4], [16, 16]) is None  # the loss is good
    assert advice(page, [0.6] * 199, [1, 4], [16, 16]) is None  # the loss may still be falling
    few = advice(page, [0.6] * 200, [0, 3], [16, 16])
    assert few is not None
    assert "dead" not in few


def test_an_entirely_dead_layer_is_reported_at_once(page: Page) -> None:
    message = advice(page, [0.6], [5, 0], [5, 7])
    assert message is not None
    assert message.startswith("All 5 units of hidden layer 1 are dead")
    assert advice(page, [0.3], [5, 0], [5, 7]) is None  # this network has skips


@pytest.mark.parametrize(
    ("start", "per_epoch", "epochs", "stands"),
    [
        (0.69, 1.0, 200, True),
        (0.69, 1.0, 199, False),  # there are too few epochs for a decision
        (0.69, 0.99995, 250, True),  # it falls by half a percent in 100 epochs
        (0.69, 0.9998, 250, False),  # it falls by two percent
        (0.3, 1.0, 250, False),  # the loss is good enough: less than half of log 2
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_loss_that_makes_no_progress_is_reported_with_advice(
    page: Page, start: float, per_epoch: float, epochs: int, stands: bool, noise: float
) -> None:
    falling = start * per_epoch ** np.arange(epochs)
    losses = falling * (1 + noise * (np.arange(epochs) % 5))  # minibatches sometimes make the loss jump upwards
    found = advice(page, losses.tolist(), [], [])
    if not stands:
        assert found is None
    else:
        assert found is not None
        assert f"still {losses[-100:].min():.2f}; guessing gives 0.69. Try a higher learning rate" in found


def test_advice_comes_with_the_news(page: Page) -> None:
    """With these weights every unit is dead, so nothing can be learnt any more."""
    network, dataset = network_of(6, activation="relu"), some_data(2)
    theta = np.zeros(network.parameter_count)
    theta[network.parameters[1].offset :][:6] = -1
    train_to_end(page, task(network, dataset, TrainingConfig(epochs=300, batch_size="full"), theta=theta.tolist()))
    assert "All 6 units of hidden layer 1 are dead" in page.evaluate("() => window.news.at(-1).advice")
    assert page.evaluate("() => window.news.map(({dead}) => dead)") == [[6]] * page.evaluate("() => window.news.length")
    train_to_end(page, task(network_of(6), dataset, TrainingConfig(epochs=300, learning_rate=1e-6)))
    assert "hardly fallen for 100 epochs" in page.evaluate("() => window.news.at(-1).advice")
    train_to_end(page, task(network_of(6), dataset, TrainingConfig(epochs=100, learning_rate=0.05)))
    assert page.evaluate("() => [window.news.at(-1).advice, window.news.at(-1).dead]") == [None, [0]]


# this is the plateau at which it pauses

FINDER = """async ({first, losses}) => {
    const {createPlateauFinder} = await import('/compute/engine/diagnostics.js');
    const finder = createPlateauFinder(first);
    return losses.map((loss) => finder.add(loss));
}"""


def flat_epochs(losses: Float64, first: int) -> list[int]:
    """Apply the rule of plateaus: the lowest loss fell by less than 1 % over a quarter of all epochs, at least 200."""
    found = []
    for i in range(len(losses)):
        stretch = max(200, math.ceil((first + i) / 4))
        if i < stretch:
            found.append(0)
            continue
        before, now = losses[: i - stretch + 1].min(), losses[: i + 1].min()
        found.append(stretch if before == 0 or (before - now) / before < 0.01 else 0)
    return found


@pytest.mark.parametrize("first", [0, 840, 3000])
def test_a_plateau_is_found_where_a_slow_loop_finds_it(page: Page, first: int) -> None:
    rng, epochs = np.random.default_rng(4), np.arange(1500)
    cases = {
        "never falls": np.full(1500, 0.69),
        "falls and stops": 0.1 + np.exp(-epochs / 90),
        "a power law": (1 + epochs) ** -0.5,
        "falls ever more slowly": 1 / np.log(epochs + 2),
        "minibatches": (0.2 + np.exp(-epochs / 60)) * (1 + 0.3 * rng.random(1500)),
        "a late step": np.where(epochs < 900, 0.69, 0.2),
        "reaches zero": np.maximum(0, 1 - epochs / 300),
    }
    for name, losses in cases.items():
        found = page.evaluate(FINDER, {"first": first, "losses": losses.tolist()})
        assert found == flat_epochs(losses, first), name
    never, power, zero = (flat_epochs(cases[name], 0) for name in ("never falls", "a power law", "reaches zero"))
    assert never.index(200) == 200  # this is the first epoch with 200 epochs before it
    assert not any(power)  # over a quarter of its epochs this loss always falls by more than 1 %
    assert zero.index(200) == 500  # the loss is 0 from 300 on, and a quarter of 300 is less than 200


def test_a_training_pauses_at_its_plateau_and_can_continue(page: Page) -> None:
    network, dataset = network_of(6), some_data(2)
    still = task(network, dataset, TrainingConfig(epochs=2000, learning_rate=1e-7, batch_size="full"))
    open_trainer(page, still)
    page.evaluate("() => { window.trainer.start(2000, true); }")
    wait_for(page, "paused")
    assert page.evaluate("() => window.record.epochs.at(-1)") == 200
    message = "Paused at epoch 200: the loss has hardly changed for 200 epochs. Press Continue to train further."
    assert page.evaluate("() => window.news.at(-1).message") == message
    page.evaluate("() => { window.trainer.start(2000, true); }")  # the next plateau is counted from here
    until(page, "() => window.news.at(-1).status === 'paused' && window.record.epochs.at(-1) > 200")
    assert page.evaluate("() => window.record.epochs.at(-1)") == 400
    page.evaluate("() => { window.trainer.start(900, false); }")
    wait_for(page, "finished")
    assert page.evaluate("() => [window.record.epochs.at(-1), window.news.at(-1).message]") == [900, None]
