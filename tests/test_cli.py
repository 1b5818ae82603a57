"""Tests the command line: its output, the files that it writes, and its errors."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest.mock
from dataclasses import dataclass
from pathlib import Path

import pytest

import lossatlas as la
from lossatlas.cli.commands import COMMANDS, main
from lossatlas.planes import compute_random_walk_variance
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery

TABLES = Path(__file__).parent / "data" / "tables"
QUICK = ["--points", "40", "--epochs", "6", "--frames", "4", "--grid", "5", "--resolution", "8", "--hidden", "4"]


@dataclass
class Done:
    """The output of a command, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def lossatlas(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run the command in this process, because a new interpreter would load all libraries again."""
    printed, complained = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complained),
        unittest.mock.patch.object(sys, "argv", ["lossatlas", *map(str, arguments)]),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Done(code, printed.getvalue(), complained.getvalue())


def test_help_lists_every_command_and_each_explains_itself() -> None:
    overview = " ".join(lossatlas("--help").stdout.split())  # in a narrow terminal a text has two lines
    for name, what in COMMANDS.items():
        assert f"{name} " in overview
        assert what in overview
        assert "--data" in lossatlas(name, "--help").stdout


def test_train_stores_a_run_and_prints_its_id_and_folder(tmp_path: Path) -> None:
    done = lossatlas("train", "--data", tmp_path, *QUICK, "--learning-rate", "0.05")
    assert done.returncode == 0, done.stderr
    run_id, folder = done.stdout.split()
    assert Path(folder) == tmp_path / "runs" / run_id
    run = Gallery(tmp_path).open(run_id)
    assert run.setup.config.training.learning_rate == 0.05
    assert run.trajectory.epochs == (0, 1, 3, 6)
    again = lossatlas("train", "--data", tmp_path, *QUICK, "--learning-rate", "0.05")
    assert again.stdout == done.stdout
    assert "there already" in again.stderr


def test_train_reads_toml_and_a_flag_overrides_it(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(
        '[dataset]\nname = "blobs"\npoints = 40\n[model]\nhidden = [3]\n[training]\nepochs = 3\nlearning_rate = 0.2\n'
        "[[planes]]\ngrid = 5\n[boundary]\nresolution = 4\n"
    )
    done = lossatlas("train", "--data", tmp_path / "data", "--config", config, "--learning-rate", "0.1")
    assert done.returncode == 0, done.stderr
    stored = Gallery(tmp_path / "data").open(done.stdout.split()[0]).setup.config
    assert stored == RunConfig(
        dataset={"name": "blobs", "points": 40},
        model={"hidden": (3,)},
        training={"epochs": 3, "learning_rate": 0.1},
        planes=({"grid": 5},),
        boundary={"resolution": 4},
    )


@pytest.mark.parametrize(
    ("in_file", "flags", "expected"),
    [
        (None, [], False),
        (None, ["--residual"], True),
        (None, ["--no-residual"], False),
        (True, [], True),
        (True, ["--no-residual"], False),
        (False, ["--residual"], True),
    ],
)
def test_residual_is_a_switch_in_flags_and_file(
    tmp_path: Path, in_file: bool | None, flags: list[str], expected: bool
) -> None:
    config = tmp_path / "run.toml"
    config.write_text("" if in_file is None else f"[model]\nresidual = {str(in_file).lower()}\n")
    done = lossatlas("train", "--data", tmp_path / "data", *QUICK, "--hidden", "3,3", "--config", config, *flags)
    assert done.returncode == 0, done.stderr
    stored = Gallery(tmp_path / "data").open(done.stdout.split()[0]).setup
    assert (stored.config.model.residual, stored.network.residual) == (expected, expected)


def test_build_makes_residual_models(tmp_path: Path) -> None:
    quick = ["--epochs", "3", "--frames", "2", "--grid", "5", "--resolution", "8", "--dataset", "arms"]
    models = ["--hidden", "3,3", "--hidden", "4,4", "--activation", "relu"]
    done = lossatlas("build", "--data", tmp_path, *quick, *models, "--residual")
    assert done.returncode == 0, done.stderr
    found = [entry["model"] for entry in Gallery(tmp_path).index()["runs"]]
    assert [(model["hidden"], model["activation"], model["residual"]) for model in found] == [
        ([3, 3], "relu", True),
        ([4, 4], "relu", True),
    ]
    assert (
        "1 runs, 1 of them exist already"
        in lossatlas("build", "--data", tmp_path, *quick, *models[:2], "--activation", "relu", "--residual").stderr
    )


def test_a_divergence_is_reported_and_stored(tmp_path: Path) -> None:
    wild = ["--activation", "relu", "--optimizer", "sgd", "--learning-rate", "9999", "--epochs", "60"]
    done = lossatlas("train", "--data", tmp_path, *QUICK, *wild)
    assert done.returncode == 0, done.stderr
    assert "diverged at epoch" in done.stderr
    assert Gallery(tmp_path).open(done.stdout.split()[0]).trajectory.outcome.status == "diverged"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "--epochs: -1 is not allowed: give 1 or more"),
        (["--hidden", "0"], "--hidden: 0 is not allowed: give 1 or more"),
        (["--hidden", "four"], "--hidden: 'four' is not allowed: give a whole number"),
        (["--learning-rate", "1e9"], "--learning-rate: 1000000000.0 is not allowed: give 10000 or less"),
        (["--learning-rate", "nan"], "--learning-rate: nan is not allowed: give a finite number"),
        (["--dataset", "sun"], "--dataset: there is no dataset 'sun'; there are moons, blobs"),
        (["--activation", "step"], "--activation: there is no activation 'step'; there are tanh, relu"),
        (["--optimizer", "lion"], "--optimizer: there is no optimizer 'lion'; there are sgd"),
        (["--grid", "40"], "--grid: 40 is even"),
        (["--batch-size", "half"], "--batch-size: 'half' is not allowed: give a whole number or give 'full'"),
        (["--dataset", "iris", "--noise", "1"], "iris is measured data; remove noise"),
        (["--colour", "red"], "No such option '--colour'"),
        (["--residual=yes"], "Option '--residual' does not take a value"),
    ],
)
def test_a_bad_flag_is_named_and_nothing_is_written(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = lossatlas("train", "--data", tmp_path / "data", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,epochs\n1;2;3\n", "is not TOML"),
        (b"\xff\xfe\x00", "is not TOML"),
        (b"[trainning]\nepochs = 3\n", "run.toml: trainning: there is no such setting"),
        (b"[training]\nepochs = 2.5\n", "run.toml: training.epochs: 2.5 is not allowed: give a whole number"),
        (b"[model]\nresidual = 'perhaps'\n", "run.toml: model.residual: 'perhaps' is not allowed: give true or false"),
        (b"training = 3\n", "run.toml: training: 3 is not allowed"),
        (b"[[planes]]\ngrid = 4\n", "run.toml: planes.0.grid: 4 is even"),
        (b"\xef\xbb\xbf[training]\nepochs = 0\n", "run.toml: training.epochs: 0 is not allowed: give 1 or more"),
        (b"epochs = 5\n", "run.toml: epochs: there is no such setting here; training has one"),
        (b"[train]\nepochs = 5\n", "run.toml: train: there is no such setting; did you mean training?"),
        (b"[model]\nhidden = '16,16'\n", "run.toml: model.hidden: '16,16' is not allowed: give a list of widths"),
        (
            b"[model]\nhidden = 16\n",
            "run.toml: model.hidden: 16 is not allowed: give a list of widths, as in hidden = [16]",
        ),
    ],
)
def test_nonsense_as_a_configuration_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    done = lossatlas("train", "--data", "data", "--config", "run.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_is_a_file_is_refused_by_every_command(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for command in ("serve", "train", "build", "export site", "list", "info moons", "verify"):
        done = lossatlas(*command.split(), "--data", file, cwd=tmp_path)
        assert done.returncode == 1, command
        assert done.stderr == f"Error: {file} is a file, not a folder; give another folder (--data DIR)\n"
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]


def test_a_data_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = lossatlas("train", "--data", tmp_path / "file" / "data")
    assert done.returncode == 1
    assert "cannot write into" in done.stderr


def test_build_list_info_and_verify(tmp_path: Path) -> None:
    settings = ["--epochs", "5", "--frames", "3", "--grid", "5", "--resolution", "8"]
    build: list[str | Path] = [
        "build",
        "--data",
        tmp_path,
        "--dataset",
        "blobs",
        "--dataset",
        "arms",
        "--hidden",
        "3",
        "--hidden",
        "none",
    ]
    done = lossatlas(*build, *settings)
    assert done.returncode == 0, done.stderr
    assert "4 runs, 0 of them exist already" in done.stderr
    assert "4 runs, 4 of them exist already" in lossatlas(*build, *settings).stderr

    gallery = Gallery(tmp_path)
    assert len(gallery.ids()) == 4
    listed = lossatlas("list", "--data", tmp_path).stdout
    for entry in gallery.index()["runs"]:
        assert f"{entry['id']}" in listed
        assert f"{entry['metrics']['test_accuracy']:.1%}" in listed

    shown = lossatlas("info", "arms-none", "--data", tmp_path).stdout
    assert "Three arms · logistic regression" in shown
    assert "9 parameters, layers [2, 3]" in shown
    assert "is the beginning of 2 runs" in lossatlas("info", "blobs", "--data", tmp_path).stderr
    assert "no run in" in lossatlas("info", "../blobs", "--data", tmp_path).stderr

    assert lossatlas("verify", "--data", tmp_path).stdout == "4 of 4 runs are sound\n"
    broken = gallery.ids()[0]
    (tmp_path / "runs" / broken / "weights.npy").write_bytes(b"no array")
    verified = lossatlas("verify", "--data", tmp_path)
    assert verified.returncode == 1
    assert f"{broken}: {tmp_path}/runs/{broken}/weights.npy: not a NumPy array" in verified.stdout
    assert "3 of 4 runs are sound" in verified.stdout


def test_build_refuses_an_unknown_dataset_before_it_begins(tmp_path: Path) -> None:
    done = lossatlas("build", "--data", tmp_path / "data", "--dataset", "moons", "--dataset", "sun")
    assert done.returncode == 1
    assert "there is no dataset 'sun'" in done.stderr
    assert not (tmp_path / "data").exists()


def test_serve_says_where_it_is_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from lossatlas.cli import main; main()", "serve", "--no-browser"]
    command += ["--port", "0", "--data", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/ ", server.stdout.readline())
        assert found
        free = found.group(1)
        refused = lossatlas("serve", "--no-browser", "--port", free, "--data", tmp_path)
        assert refused.returncode == 1
        assert f"port {free} is taken; " in refused.stderr
        assert "is free: lossatlas serve --port " in refused.stderr
        os.kill(server.pid, signal.SIGINT)
        assert server.wait(timeout=60) == 0
    finally:
        server.kill()
        server.communicate()
    assert json.loads((tmp_path / "index.json").read_text())["runs"] == []


def test_an_impossible_port_is_refused() -> None:
    assert "99999 is not in the range 0<=x<=65535" in lossatlas("serve", "--port", "99999").stderr


def test_build_takes_dataset_and_model_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        '[dataset]\nname = "circles"\npoints = 60\nnoise = 0.3\n[model]\nhidden = [3]\n'
        "[training]\nepochs = 3\n[[planes]]\ngrid = 5\n[boundary]\nresolution = 4\n"
    )
    done = lossatlas("build", "--data", "data", "--config", "run.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    gallery = Gallery(tmp_path / "data")
    [run_id] = gallery.ids()
    config = gallery.open(run_id).setup.config
    assert (config.dataset.name, config.dataset.points, config.dataset.noise) == ("circles", 60, 0.3)
    assert config.model.hidden == (3,)


@pytest.mark.parametrize("sizes", ["0", "", "4,y", "2000"])
def test_build_names_the_flag_of_a_senseless_model(tmp_path: Path, sizes: str) -> None:
    done = lossatlas("build", "--data", tmp_path / "data", "--hidden", sizes)
    assert done.returncode == 1
    assert "Error: --hidden: " in done.stderr
    assert "is not allowed" in done.stderr
    assert not (tmp_path / "data").exists()


PLANES = ["--plane", "fresh", "--plane", "pca", "--plane", "gaussian-filter", "--plane", "through:end,start,frame:1"]


def test_planes_are_named_by_flags_or_in_the_file(tmp_path: Path) -> None:
    small = ["--epochs", "4", "--frames", "4", "--grid", "5", "--resolution", "4", "--curvature", "2"]
    (tmp_path / "run.toml").write_text("[[planes]]\ngrid = 5\n[[planes]]\nkind = 'hessian'\ngrid = 7\n")
    by_flags = lossatlas(
        "train", "--data", "data", *PLANES, *small, "--plane-seed", "3", "--spans", "0.5", cwd=tmp_path
    )
    by_file = lossatlas("train", "--data", "data", "--config", "run.toml", *small[:4], cwd=tmp_path)
    assert (by_flags.returncode, by_file.returncode) == (0, 0), by_flags.stderr + by_file.stderr
    flags, file = (Gallery(tmp_path / "data").open(done.stdout.split()[0]) for done in (by_flags, by_file))
    assert [plane.name for plane in flags.planes] == ["fresh", "pca", "gaussian-filter", "through"]
    assert [plane.seed for plane in flags.planes] == [3, None, 3, None]
    assert {cut.grid for cut in flags.cuts} == {5}
    assert flags.planes[0].spans == (0.5,)
    assert [(plane.name, cut.grid) for plane, cut in zip(file.planes, file.cuts, strict=True)] == [
        ("fresh", 5),
        ("hessian", 7),
    ]


def test_info_lists_the_planes_and_the_curvature_at_the_end(tmp_path: Path) -> None:
    small = ["--epochs", "1", "--grid", "5", "--resolution", "4", "--optimizer", "sgd", "--batch-size", "full"]
    done = lossatlas("train", "--data", tmp_path, "--plane", "fresh", "--plane", "hessian", "--plane", "pca", *small)
    assert done.returncode == 0, done.stderr
    run = Gallery(tmp_path).open(done.stdout.split()[0])
    lines = lossatlas("info", run.id, "--data", tmp_path).stdout.splitlines()
    fresh, hessian = (cut.path.explained_variance for cut in run.cuts)
    cosine = run.planes[0].cosine
    assert f"plane      fresh: Fresh models; {fresh:.1%} of the path's variance; cosine {cosine:.3f}" in lines
    title = run.planes[1].title
    assert f"plane      hessian: {title}; {hessian:.1%} of the path's variance; orthonormal" in lines
    assert f"left out   pca: {run.left_out['pca']}" in lines
    assert run.curvature is not None
    assert run.curvature.negative is not None
    curvature = next(line for line in lines if line.startswith("curvature  at epoch 1: "))
    assert f"largest {run.curvature.largest[-1]:.4g}" in curvature
    assert f"{run.curvature.negative[-1]} of 354 eigenvalues negative" in curvature
    assert "stable up to 2/η = 200" in curvature

    more = lossatlas("train", "--data", tmp_path, "--plane", "pca", "--epochs", "4", "--curvature", "0", *small[2:])
    shown = lossatlas("info", more.stdout.split()[0], "--data", tmp_path).stdout
    share = compute_random_walk_variance(range(5))
    assert f"(a random walk: {share:.1%}); orthonormal" in shown
    assert "curvature  at" not in shown


@pytest.mark.parametrize(
    ("plane", "said"),
    [
        ("pcb", "--plane: there is no plane 'pcb'; there are fresh,"),
        ("pca:2", "there is no plane 'pca:2'"),
        ("through:end", "planes.0.points"),
        ("through:end,start,moon", "'moon' is not a point; give start, end, far, frame:N or run:ID"),
        ("file:nowhere.npy", "cannot read nowhere.npy"),
        ("file", "planes.0.file"),
        ("through:end,start,frame:9", "there will be no frame 9"),
        ("through:end,start,run:nobody", "there is no run nobody for the plane to go through"),
    ],
)
def test_an_impossible_plane_is_refused_by_name(plane: str, said: str, tmp_path: Path) -> None:
    done = lossatlas("train", "--data", "data", "--plane", plane, "--epochs", "2", cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").rglob("run.json"))


def test_verify_writes_the_index_of_an_emptied_gallery_again(tmp_path: Path) -> None:
    assert lossatlas("train", "--data", tmp_path, *QUICK).returncode == 0
    shutil.rmtree(tmp_path / "runs")
    assert lossatlas("verify", "--data", tmp_path).stdout == "0 of 0 runs are sound\n"
    assert json.loads((tmp_path / "index.json").read_text())["runs"] == []


def test_train_takes_own_points_from_a_file(tmp_path: Path) -> None:
    shutil.copy(TABLES / "c01_user_id.csv", tmp_path / "mine.csv")
    chosen = ["--x", "Age", "--y", "4", "--label", "Gender", "--title", "Buyers", "--points", "20", "--data-seed", "3"]
    quick = ["--epochs", "3", "--frames", "3", "--grid", "5", "--resolution", "8", "--hidden", "4"]
    done = lossatlas("train", "--data-file", "mine.csv", *chosen, *quick, "--data", "data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mine.csv: 20 points of Age and EstimatedSalary: " in done.stderr
    run_id = done.stdout.split()[0]
    assert run_id.startswith("own-")
    dataset = Gallery(tmp_path / "data").open(run_id).setup.config.dataset
    assert dataset == la.DatasetConfig.from_file(
        tmp_path / "mine.csv", x="Age", y=4, label="Gender", title="Buyers", points=20, seed=3
    )
    assert "Buyers · 1 × 4 tanh" in lossatlas("list", "--data", "data", cwd=tmp_path).stdout
    shown = lossatlas("info", "own", "--data", "data", cwd=tmp_path).stdout
    assert "points 20" in shown
    assert max(map(len, shown.splitlines())) < 400  # the message does not contain all points
    (tmp_path / "mine.csv").unlink()  # the run contains them
    assert lossatlas("verify", "--data", "data", cwd=tmp_path).stdout == "1 of 1 runs are sound\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data-file", "none.csv"], "Error: cannot read none.csv: No such file or directory\n"),
        (["--data-file", "."], "Error: cannot read .: Is a directory\n"),
        (["--data-file", ""], "Error: the path is empty: give the path of a file\n"),
        (["--data-file", "t10_json_records.json"], "Error: t10_json_records.json: This is JSON, not a table of rows."),
        (
            ["--data-file", "a00_xy_units.csv", "--x", "q"],
            "Error: a00_xy_units.csv: x: there is no column 'q'; there are",
        ),
        (
            ["--data-file", "a00_xy_units.csv", "--dataset", "moons"],
            "--data-file: a00_xy_units.csv is the dataset, and",
        ),
        (["--data-file", "a00_xy_units.csv", "--noise", "1"], "and dataset.noise says another; leave one out"),
        (["--data-file", "a00_xy_units.csv", "--points", "4"], "--points: 4 is not allowed: give 8 or more"),
        (["--data-file", "a00_xy_units.csv", "--decimal", "dot"], "--decimal: 'dot' is not allowed: give point"),
        (["--data-file", "a00_xy_units.csv", "--encoding", "klingon"], "There is no encoding 'klingon'"),
        (["--x", "a"], "--x: says how a file of own points is read; name it with --data-file FILE"),
        (["--join-labels"], "--join-labels: says how a file of own points is read"),
        (["--dataset", "in/my.csv"], "--dataset: there is no dataset 'in/my.csv'; own points are given by --data-file"),
        (["--dataset", "own-12345678"], "--dataset: the points of 'own-12345678' are stored in their run"),
    ],
)
def test_own_points_that_cannot_be_read_are_reported_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = lossatlas("train", "--data", tmp_path / "data", *arguments, cwd=TABLES)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_rows_that_are_left_out_of_a_file_are_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("x,y,class\n" + "1,2,a\n3,4,b\n" * 6 + "NA,1,a\nabc,1,b\n1,1,A\n2,2,A\n")
    quick = ["--epochs", "2", "--frames", "2", "--grid", "5", "--resolution", "8", "--hidden", "4"]
    done = lossatlas("train", "--data-file", "mine.csv", *quick, "--data", "data", cwd=tmp_path)
    assert done.stderr.splitlines()[:4] == [
        "mine.csv: One row has no number in “x” (column 1) and is left out: line 14.",
        "mine.csv: line 15, column 1 (“x”): “abc” is not a number",
        "mine.csv: Labels that look alike are classes of their own: a, A.",
        "mine.csv: 14 points of x and y: a 6, b 6, A 2",
    ]
