"""Tests the executor of Dask with a scheduler and workers that are real processes."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossatlas.building import connect_cluster
from lossatlas.building.estimate import Sizes, estimate_work
from lossatlas.errors import ClusterError
from lossatlas.store import Gallery
from tests.support.large_runs import built, config_of, run_bytes
from tests.support.machines import Machines, machines
from tests.test_cli import lossatlas
from tests.test_gallery import index_of
from tests.test_processes import PATIENCE, cube, list_begun, until, wait_for


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with machines(tmp_path_factory.mktemp("dask"), workers=2) as found:
        yield found


def test_work_is_done_by_the_workers(two: Machines) -> None:
    with connect_cluster(two.address, PATIENCE) as executor:
        assert [executor.submit(cube, number).result(PATIENCE) for number in range(5)] == [0, 1, 8, 27, 64]
        assert executor.submit(os.getpid).result(PATIENCE) in [worker.pid for worker in two.workers]


def test_a_killed_worker_costs_only_its_current_task(two: Machines, tmp_path: Path) -> None:
    two.add_worker()  # after the death of one, there are two again
    with connect_cluster(two.address, PATIENCE) as executor:
        until(lambda: len(executor._client.nthreads()) == 3, "all are there")  # type: ignore[attr-defined]
        futures = {name: executor.submit(wait_for, str(tmp_path), name, "go") for name in ("first", "second")}
        until(lambda: len(list_begun(tmp_path, "*")) == 2, "both work")
        os.kill(list_begun(tmp_path, "first")[0], signal.SIGKILL)
        (tmp_path / "go").write_text("")
        assert {name: future.result(PATIENCE) for name, future in futures.items()} == {n: n for n in futures}
    assert (len(list_begun(tmp_path, "first")), len(list_begun(tmp_path, "second"))) == (2, 1)


def test_an_address_without_an_answer_is_reported_within_seconds() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(ClusterError, match=rf"no Dask scheduler answers at {address} within 0.5 seconds"):
            connect_cluster(address, 0.5).__enter__()


@pytest.mark.parametrize("address", ["", "here", "127.0.0.1", "http://127.0.0.1:80", "tcp://a b:1"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(ClusterError, match="is no address of a Dask scheduler: give HOST:PORT"):
        connect_cluster(address).__enter__()


def test_a_scheduler_without_workers_is_refused(tmp_path: Path) -> None:
    with (
        machines(tmp_path, workers=0) as found,
        pytest.raises(ClusterError, match=rf"{found.address} has no workers; start some with: dask worker"),
    ):
        connect_cluster(found.address, 0.5).__enter__()


def test_workers_of_another_release_are_refused(two: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossatlas.building.dask_cluster._find_version", lambda: "99.0")
    with pytest.raises(ClusterError, match=r"the worker tcp://\S+ has lossatlas \S+, and this is 99.0"):
        connect_cluster(two.address, PATIENCE).__enter__()


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r'pip install "lossatlas\[cluster\]"'):
        connect_cluster("127.0.0.1:8786").__enter__()


def test_one_core_two_processes_and_dask_give_the_same_bits(
    two: Machines, whole: dict[str, bytes], tmp_path: Path
) -> None:
    configs = [config_of(), config_of(seed=1), config_of("sgd")]
    # the second run is small, and the others are large
    sizes = Sizes(large_work=estimate_work(configs[0]) - 1, part_work=200_000, part_bytes=4000)
    small = configs[1].with_values(training={**configs[1].training.model_dump(), "epochs": 8})
    configs[1] = small
    assert [sizes.needs_parts(config) for config in configs] == [True, False, True]
    one = built(tmp_path / "one", configs, sizes, workers=1)
    assert {name: one[name] for name in whole} == whole
    assert built(tmp_path / "two", configs, sizes, workers=2) == one
    with connect_cluster(two.address, PATIENCE) as executor:
        assert built(tmp_path / "three", configs, sizes, executor=executor) == one
    indexes = [index_of(tmp_path / name) for name in ("one", "two", "three")]
    assert indexes[0] == indexes[1] == indexes[2]


def test_build_computes_on_a_cluster_what_it_computes_here(two: Machines, tmp_path: Path) -> None:
    build = ["build", "--dataset", "arms", "--hidden", "3", "--hidden", "none"]
    build += ["--epochs", "5", "--frames", "3", "--grid", "5", "--resolution", "8"]
    for data, where in (("there", ["--cluster", two.address]), ("here", ["--workers", "1"])):
        done = lossatlas(*build, "--data", tmp_path / data, *where)
        assert done.returncode == 0, done.stderr
    assert len(Gallery(tmp_path / "there").ids()) == 2
    assert run_bytes(tmp_path / "there") == run_bytes(tmp_path / "here")


def test_build_refuses_a_missing_cluster_before_it_begins(tmp_path: Path) -> None:
    done = lossatlas("build", "--data", tmp_path / "data", "--cluster", "nowhere")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "Error: 'nowhere' is no address of a Dask scheduler: give HOST:PORT or tcp://HOST:PORT",
    )
    done = lossatlas("build", "--data", tmp_path / "data", "--cluster", "127.0.0.1:1", "--workers", "2")
    assert done.returncode == 2
    assert "--workers is for processes on this machine" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_cluster_cuts_planes_of_a_recorded_run(two: Machines, tmp_path: Path) -> None:
    from tests.own_models.test_cut import open_recorded, record

    run_id = record(tmp_path / "data")
    model = ["--model", "tests.own_models.factories:make", "--grid", "5", "--data", str(tmp_path / "data")]
    for name, where in (("here", []), ("there", ["--cluster", two.address])):
        done = lossatlas("cut", run_id, "--plane", "through", "--name", name, *model, *where)
        assert done.returncode == 0, done.stderr
    run = open_recorded(tmp_path / "data", run_id)
    for array, losses in run.plane("here").items():
        assert run.plane("there")[array] == pytest.approx(losses, rel=3e-4)
    done = lossatlas("cut", run_id, "--plane", "pca", *model, "--cluster", two.address, "--workers", "2")
    assert done.returncode == 2
