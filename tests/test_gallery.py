from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import lossatlas.store.gallery
from lossatlas.building import build_gallery
from lossatlas.datasets import SOURCES
from lossatlas.errors import ConfigError, DataFolderError, FolderBusyError, LossAtlasError, RunNotFoundError
from lossatlas.runs import Run, RunConfig, Setup, compute_run
from lossatlas.showcase import DEFAULT_MODELS, gallery_configs, showcase_configs, twin_configs
from lossatlas.store import Gallery, default_data_folder
from lossatlas.store.gallery import make_entry
from lossatlas.store.read import read_manifest
from lossatlas.training import Training
from tests.conftest import diverging_config, small_config
from tests.support.large_runs import run_bytes

CONFIGS = [
    small_config(model={"hidden": hidden}, dataset={"name": name, "noise": 0.1})
    for name in ("moons", "circles")
    for hidden in ([3], [])
]


class Recorder(Executor):
    """An executor that calls functions at once and counts the calls. From a given call on, all calls fail."""

    def __init__(self, fails_from: int | None = None) -> None:
        self.calls, self.fails_from, self.closed = 0, fails_from, False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        if self.fails_from is not None and self.calls >= self.fails_from:
            future.set_exception(OSError("killed"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a gallery of four runs in this process. Tests must not change it."""
    data = tmp_path_factory.mktemp("gallery")
    build_gallery(Gallery(data), CONFIGS, executor=Recorder())
    return data


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Gallery:
    """Copy that gallery, for tests that change it."""
    return Gallery(shutil.copytree(built, tmp_path / "copy"))


def index_of(data: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((data / "index.json").read_text(encoding="utf-8"))
    return index


# the index --------------------------------------------------------------------------------------------------------


def test_the_index_says_what_the_manifests_say(built: Path) -> None:
    index = index_of(built)
    assert {key: value for key, value in index.items() if key != "runs"} == {
        "format": "lossatlas-gallery",
        "format_version": 1,
    }
    assert [entry["id"] for entry in index["runs"]] == sorted(config.id for config in CONFIGS)
    for entry in index["runs"]:
        manifest = json.loads((built / "runs" / entry["id"] / "run.json").read_text(encoding="utf-8"))
        config = RunConfig.from_mapping(entry["config"])
        assert entry == {
            "id": config.id,
            "title": manifest["title"],
            "dataset": {"name": config.dataset.name, "title": SOURCES[config.dataset.name].title},
            "model": {
                "title": config.model.title,
                "hidden": list(config.model.hidden),
                "activation": "tanh",
                "residual": False,
                "parameters": sum(
                    (a + 1) * b for a, b in zip((2, *config.model.hidden), (*config.model.hidden, 2), strict=True)
                ),
            },
            "config": manifest["config"],
            "outcome": {"status": "completed"},
            "epochs": 12,
            "frames": 6,
            "metrics": {name: values[-1] for name, values in manifest["metrics"].items()},
        }


def test_saving_a_run_adds_it_to_the_index(small_run: Run, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "new" / "folder")
    assert small_run.id not in gallery
    folder = gallery.save(small_run)
    assert small_run.id in gallery
    assert folder == gallery.data / "runs" / small_run.id
    assert [entry["id"] for entry in index_of(gallery.data)["runs"]] == [small_run.id]
    assert gallery.open(small_run.id).setup.config == small_run.setup.config


def test_an_empty_gallery_has_an_empty_index(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "nothing")
    assert not gallery.data.exists()  # making a Gallery object writes nothing
    assert (gallery.ids(), gallery.index()["runs"], list(gallery.verify())) == ([], [], [])
    gallery.write_index()
    assert index_of(gallery.data)["runs"] == []


def test_a_run_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError):
        Gallery(tmp_path).open("moons-4-tanh-00000000")
    with pytest.raises(RunNotFoundError):
        Gallery(tmp_path).open("../../etc")


# damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": "lossatlas-run", "format_version": 1}',
        '{"format": "lossatlas-run", "format_version": 7}',
        None,
    ],
    ids=["empty", "a list", "hollow", "newer", "missing"],
)
def test_a_run_that_cannot_be_read_is_left_out_and_named(content: str | None, copied: Gallery) -> None:
    damaged, *whole = copied.ids()
    path = copied.data / "runs" / damaged / "run.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    copied.write_index()
    assert [entry["id"] for entry in index_of(copied.data)["runs"]] == whole
    verdicts = {verdict.run_id: verdict.fault for verdict in copied.verify()}
    assert verdicts.keys() == {damaged, *whole}
    assert str(path) in (verdicts.pop(damaged) or "")
    assert set(verdicts.values()) == {None}


def test_numbers_that_json_lacks_do_not_prevent_the_index(copied: Gallery) -> None:
    damaged, *whole = copied.ids()
    path = copied.data / "runs" / damaged / "run.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["metrics"]["train_loss"][-1] = float("nan")
    path.write_text(json.dumps(manifest), encoding="utf-8")
    copied.write_index()
    assert [entry["id"] for entry in index_of(copied.data)["runs"]] == whole


def test_verify_names_the_file_at_fault(copied: Gallery) -> None:
    damaged = copied.ids()[2]
    (copied.data / "runs" / damaged / "weights.npy").unlink()
    faults = [verdict for verdict in copied.verify() if verdict.fault]
    assert [verdict.run_id for verdict in faults] == [damaged]
    assert "weights.npy: the file is missing" in (faults[0].fault or "")


def test_the_index_can_be_rebuilt(copied: Gallery) -> None:
    before = index_of(copied.data)
    (copied.data / "index.json").write_text("garbage")
    copied.write_index()
    assert index_of(copied.data) == before


@pytest.mark.parametrize("stray", ["notes.txt", ".unfinished-1-aa"])
def test_other_folders_are_not_counted_as_runs(stray: str, copied: Gallery) -> None:
    before = copied.ids()
    if stray.endswith(".txt"):
        (copied.data / "runs" / stray).write_text("mine")
    else:
        (copied.data / "runs" / stray).mkdir()
    assert copied.ids() == before


# building ---------------------------------------------------------------------------------------------------------


def test_a_resume_that_recomputes_or_skips__only_what_is_missing_is_computed(copied: Gallery) -> None:
    before = run_bytes(copied.data)
    recorder = Recorder()
    assert build_gallery(copied, CONFIGS, executor=recorder) == []
    assert recorder.calls == 0
    shutil.rmtree(copied.data / "runs" / CONFIGS[1].id)
    assert build_gallery(copied, CONFIGS, executor=recorder) == [CONFIGS[1].id]
    assert recorder.calls == 1
    assert run_bytes(copied.data) == before
    assert len(index_of(copied.data)["runs"]) == len(CONFIGS)


def test_an_interrupted_build_keeps_its_runs_and_continues(built: Path, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "data")
    stored: list[str] = []
    with pytest.raises(LossAtlasError, match=r"2 of 4 runs failed.*\n.*OSError: killed"):
        build_gallery(gallery, CONFIGS, executor=Recorder(fails_from=3), on_done=stored.append)
    assert sorted(gallery.ids()) == sorted(config.id for config in CONFIGS[:2])
    (gallery.data / "runs" / ".unfinished-999999999-dead").mkdir()
    os.utime(gallery.data / "runs" / ".unfinished-999999999-dead", (0, 0))
    recorder = Recorder()
    assert build_gallery(gallery, CONFIGS, executor=recorder) == [config.id for config in CONFIGS[2:]]
    assert recorder.calls == 2
    assert run_bytes(gallery.data) == run_bytes(built)
    assert index_of(gallery.data) == index_of(built)


def test_the_index_is_updated_from_the_manifest_of_one_run(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = Gallery(shutil.copytree(built, tmp_path / "data"))
    whole = index_of(gallery.data)
    removed = CONFIGS[1].id
    read: list[str] = []

    def note(folder: Path) -> dict[str, Any]:
        read.append(folder.name)
        return read_manifest(folder)

    monkeypatch.setattr(lossatlas.store.gallery, "read_manifest", note)
    kept = shutil.move(gallery.data / "runs" / removed, tmp_path / "kept")
    gallery.update_index(removed)
    assert [run["id"] for run in index_of(gallery.data)["runs"]] == sorted({c.id for c in CONFIGS} - {removed})
    shutil.move(kept, gallery.data / "runs" / removed)
    gallery.update_index(removed)
    assert index_of(gallery.data) == whole
    assert set(read) == {removed}
    (gallery.data / "index.json").write_text("{")
    gallery.update_index(removed)  # an index that cannot be read is made from all manifests
    assert index_of(gallery.data) == whole


def test_the_error_names_a_lock_that_another_process_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossatlas.store.gallery, "_PATIENCE", 0.05)
    with (
        FileLock(tmp_path / ".index.lock"),
        pytest.raises(FolderBusyError, match=r"another process has kept .*\.index\.lock locked for 0.05 s"),
    ):
        Gallery(tmp_path).write_index()


def test_each_run_is_reported_when_it_is_stored(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "data")
    reported: list[str] = []

    def on_done(run_id: str) -> None:
        assert run_id in gallery
        assert run_id in [entry["id"] for entry in index_of(gallery.data)["runs"]]
        reported.append(run_id)

    with ThreadPoolExecutor(2) as executor:
        computed = build_gallery(gallery, CONFIGS[:2], executor=executor, on_done=on_done)
    assert sorted(reported) == sorted(computed) == sorted(config.id for config in CONFIGS[:2])


def test_an_executor_that_is_handed_in_is_left_open(tmp_path: Path) -> None:
    recorder = Recorder()
    build_gallery(Gallery(tmp_path), CONFIGS[:1], executor=recorder)
    assert not recorder.closed


def test_a_configuration_named_twice_is_computed_once(tmp_path: Path) -> None:
    recorder = Recorder()
    assert build_gallery(Gallery(tmp_path), [CONFIGS[0], CONFIGS[0]], executor=recorder) == [CONFIGS[0].id]
    assert recorder.calls == 1


def test_two_identical_builds_differ__two_processes_give_the_bits_of_one(built: Path, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "data")
    assert build_gallery(gallery, CONFIGS, workers=2) == [config.id for config in CONFIGS]
    assert run_bytes(gallery.data) == run_bytes(built)
    assert index_of(gallery.data) == index_of(built)


def test_a_run_that_diverges_is_built_like_any_other(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    config = diverging_config()
    build_gallery(gallery, [config], executor=Recorder())
    (entry,) = index_of(tmp_path)["runs"]
    assert entry["outcome"]["status"] == "diverged"
    assert entry["frames"] < 20
    assert [verdict.fault for verdict in gallery.verify()] == [None]


def test_a_data_folder_that_is_a_file_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    recorder = Recorder()
    with pytest.raises(DataFolderError, match="cannot write into"):
        build_gallery(Gallery(file / "below"), CONFIGS, executor=recorder)
    assert recorder.calls == 0
    gallery = Gallery(tmp_path / "later")
    (tmp_path / "later").write_text("also mine")
    with pytest.raises(DataFolderError, match="is a file"):
        build_gallery(gallery, CONFIGS, executor=recorder)
    assert recorder.calls == 0


def test_an_index_that_cannot_be_written_is_a_data_folder_error(
    copied: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(lossatlas.store.gallery, "write_text", refuse)
    with pytest.raises(DataFolderError, match="Read-only file system") as caught:
        copied.write_index()
    assert isinstance(caught.value, LossAtlasError)


# which runs -------------------------------------------------------------------------------------------------------


def test_the_default_gallery_has_every_model_on_every_dataset_and_a_few_runs_that_show_one_thing_each() -> None:
    configs = gallery_configs()
    grid, shown = configs[: len(SOURCES) * len(DEFAULT_MODELS)], configs[len(SOURCES) * len(DEFAULT_MODELS) :]
    pairs = [(config.dataset.name, config.model.hidden) for config in grid]
    assert pairs == [(name, hidden) for name in SOURCES for hidden in DEFAULT_MODELS]
    assert len({config.id for config in configs}) == len(configs) == 24
    for config in grid:
        assert config.dataset.noise == SOURCES[config.dataset.name].default_noise
        assert config.training == RunConfig().training
    assert RunConfig() in grid  # what the page opens on
    assert shown == showcase_configs()


@pytest.mark.parametrize(
    "named",
    [{"datasets": ["moons"]}, {"models": [()]}, {"base": RunConfig(training={"epochs": 5})}],
    ids=["datasets", "models", "training"],
)
def test_a_gallery_of_named_datasets_or_models_has_no_other_runs(named: dict[str, Any]) -> None:
    configs = gallery_configs(**named)
    assert len(configs) == len(named.get("datasets", SOURCES)) * len(named.get("models", DEFAULT_MODELS))
    assert not {config.id for config in configs} & {config.id for config in showcase_configs()}


def test_the_twins_differ_in_residual_alone() -> None:
    plain, residual = (config.model_dump() for config in twin_configs())
    assert (plain["model"].pop("residual"), residual["model"].pop("residual")) == (False, True)
    assert plain == residual
    networks = [Setup.of(config).network for config in twin_configs()]
    thetas = [
        network.draw_initial_theta(config.training.seed)
        for network, config in zip(networks, twin_configs(), strict=True)
    ]
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert [any(map(network.has_skip, range(21))) for network in networks] == [False, True]
    assert plain["planes"][0]["normalization"] == "filter"
    assert plain["planes"][0]["nonconvexity"] == 15


def test_the_default_gallery_contains_all_runs_that_its_runs_refer_to() -> None:
    configs = gallery_configs()
    ids = [config.id for config in configs]
    wanted = [(place, run) for place, config in enumerate(configs) for run in config.references]
    assert wanted
    for place, run in wanted:
        assert ids.index(run) < place
        assert configs[ids.index(run)].model == configs[place].model


def test_the_runs_of_the_default_gallery_that_diverge_are_those_meant_to() -> None:
    """Only gradient descent beyond 2/η diverges. The trainings are short enough to be run here."""
    outcomes = {
        config.training.learning_rate: Training(setup.network, setup.dataset, config.training)
        for config in showcase_configs()
        if config.training.batch_size == "full"
        for setup in [Setup.of(config)]
    }
    for training in outcomes.values():
        list(training)
    found = {rate: training.outcome.status for rate, training in outcomes.items()}
    assert found == {0.25: "completed", 0.1: "completed", 3.0: "diverged"}


def test_a_gallery_of_named_settings_takes_the_others_from_its_base() -> None:
    base = small_config(model={"activation": "gelu"})
    configs = gallery_configs(["iris", "arms"], [[], (3, 2)], base)
    assert [(config.dataset.name, config.model.hidden) for config in configs] == [
        ("iris", ()),
        ("iris", (3, 2)),
        ("arms", ()),
        ("arms", (3, 2)),
    ]
    for config in configs:
        assert config.model.activation == "gelu"
        assert (config.training, config.planes, config.boundary) == (base.training, base.planes, base.boundary)
        assert (config.dataset.seed, config.dataset.test_fraction) == (3, 0.25)
        assert config.dataset.noise == SOURCES[config.dataset.name].default_noise


def test_an_entry_is_of_the_last_frame(built: Path) -> None:
    run_id = CONFIGS[0].id
    run = Gallery(built).open(run_id)
    manifest = json.loads((built / "runs" / run_id / "run.json").read_text(encoding="utf-8"))
    entry = make_entry(manifest)
    assert entry["metrics"] == {name: values[-1] for name, values in run.trajectory.metrics.items()}
    assert entry["epochs"] == run.trajectory.epochs[-1]


def test_a_users_runs_are_kept_where_the_system_keeps_such_things() -> None:
    folder = default_data_folder()
    assert folder.is_absolute()
    assert folder.name == "lossatlas"
    assert Gallery().data == folder


@pytest.mark.parametrize("value", [None, "high", [], {}, 10**400], ids=["null", "text", "list", "object", "huge"])
def test_one_senseless_manifest_leaves_the_others_in_the_index(value: Any, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    runs = [compute_run(quick_config(seed)) for seed in (1, 2)]
    folder, _ = [gallery.save(run) for run in runs]
    manifest = json.loads((folder / "run.json").read_text())
    manifest["metrics"]["train_accuracy"][-1] = value
    (folder / "run.json").write_text(json.dumps(manifest))
    gallery.write_index()
    assert [entry["id"] for entry in gallery.index()["runs"]] == [runs[1].id]
    assert [verdict.run_id for verdict in gallery.verify() if verdict.fault] == [runs[0].id]


def quick_config(seed: int) -> RunConfig:
    return RunConfig(
        dataset={"points": 20},
        model={"hidden": (2,)},
        training={"epochs": 2, "seed": seed},
        planes=({"grid": 3},),
        boundary={"resolution": 3},
    )


def through(other: str, **parts: Any) -> RunConfig:
    """Return the small configuration with a plane through another run."""
    points = ["end", "start", f"run:{other}"]
    return small_config(**parts).with_values(planes=[{"kind": "through", "points": points, "grid": 3}])


def test_a_build_lays_planes_through_runs_that_are_stored(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    other = compute_run(small_config(training={"seed": 6}))
    gallery.save(other)
    config = through(other.id)
    with ThreadPoolExecutor(1) as executor:
        assert build_gallery(gallery, [config], executor=executor) == [config.id]
    cut = gallery.open(config.id).cuts[0]
    anchor = cut.plane.anchors[2]
    found = cut.plane.centre + cut.plane.offsets(np.array(anchor.a), np.array(anchor.b))
    np.testing.assert_allclose(found, other.trajectory.weights[-1], atol=1e-5)


def test_a_plane_through_a_run_of_other_layers_is_refused(tmp_path: Path) -> None:
    """It is refused even if both networks have equally many parameters, because these have other meanings."""
    gallery = Gallery(tmp_path)
    other = compute_run(small_config(model={"hidden": [3]}))  # this network has 17 parameters, and so has 2-1-3-2
    gallery.save(other)
    assert gallery.references(through(other.id, model={"hidden": [3]})).keys() == {other.id}
    for model in ({"hidden": [1, 3]}, {"hidden": [5, 4]}):
        with pytest.raises(ConfigError, match=f"{other.id} has the layers 2-3-2, and a plane goes through"):
            gallery.references(through(other.id, model=model))
    assert gallery.references(through("moons-4-tanh-00000000")) == {}
