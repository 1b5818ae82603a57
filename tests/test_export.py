"""Tests the static export: it is complete, has relative links, appears at once, and keeps foreign files."""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.arrays import AnyArray
from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.errors import ExportError, RunDamagedError
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.showcase import OPENING, gallery_configs
from lossatlas.site import PAGE_DIRECTIVES, describe_catalog, export_site, format_policy, to_byte_planes
from lossatlas.site.catalog import draw_thumbnails
from lossatlas.site.constants import MOST_PARAMETERS
from lossatlas.store import Gallery, open_run


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    gallery = Gallery(tmp_path_factory.mktemp("gallery"))
    for name in ("moons", "arms"):
        config = RunConfig(
            dataset={"name": name, "points": 40},
            model={"hidden": (3,)},
            training={"epochs": 4},
            planes=({"grid": 5},),
            boundary={"resolution": 6},
        )
        gallery.save(compute_run(config))
    return gallery


def test_the_site_contains_the_page_and_the_stored_files_unchanged(gallery: Gallery, tmp_path: Path) -> None:
    export = export_site(gallery, tmp_path / "site")
    assert list(export.runs) == gallery.ids()
    assert (export.site / "index.html").is_file()
    for run_id in gallery.ids():
        stored, copied = (data / "runs" / run_id for data in (gallery.data, export.site / "data"))
        before, after = (json.loads((folder / "run.json").read_text()) for folder in (stored, copied))
        for ours, theirs in zip(_arrays(after), _arrays(before), strict=True):
            content = (copied / ours["file"]).read_bytes()
            assert content == (stored / theirs["file"]).read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            assert ours == {**theirs, "file": theirs["file"].replace(".npy", f"_{digest[:16]}.npy"), "sha256": digest}
        assert after.keys() == before.keys()
        np.testing.assert_array_equal(
            open_run(copied, check=True).trajectory.weights, gallery.open(run_id).trajectory.weights
        )
    assert json.loads((export.site / "data" / "index.json").read_text()) == gallery.index()
    assert json.loads((export.site / "catalog.json").read_text()) == describe_catalog(
        compute=False, default=RunConfig()
    )
    assert export.size == sum(path.stat().st_size for path in export.site.rglob("*") if path.is_file())
    assert not list(export.site.rglob(".*"))


def test_the_page_links_to_nothing_absolute(gallery: Gallery, tmp_path: Path) -> None:
    page = (export_site(gallery, tmp_path / "site").site / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert links
    assert [link for link in links if link.startswith("/") or re.match(r"\w+://", link)] == []


def test_each_document_has_the_policy_of_the_server(gallery: Gallery, tmp_path: Path) -> None:
    site = export_site(gallery, tmp_path / "site").site
    documents = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert set(documents) == {"index.html", "compare.html"}
    for document in documents.values():
        [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', document)
        assert policy == format_policy(PAGE_DIRECTIVES)
        assert document.index(policy) < min(
            document.index(tag) for tag in ("<link", "<script", "<style") if tag in document
        )
        assert "unsafe-inline" not in policy


def test_a_damaged_run_is_left_out_and_reported(gallery: Gallery, tmp_path: Path) -> None:
    damaged = Gallery(tmp_path / "data")
    export_site(gallery, tmp_path / "copy")
    (tmp_path / "copy" / "data").rename(damaged.data)
    victim = damaged.ids()[0]
    [labels] = (damaged.data / "runs" / victim).glob("labels_*.npy")
    labels.unlink()
    export = export_site(damaged, tmp_path / "site")
    assert victim not in export.runs
    assert len(export.left_out) == 1
    assert f"{labels.name}: the file is missing" in export.left_out[0]


def test_an_earlier_export_is_replaced_and_anything_else_is_refused(gallery: Gallery, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_site(gallery, site)
    (site / "pages/atlas/wiring.js").write_text("old")
    (site / "data" / "runs" / "stale").mkdir()
    (site / "CNAME").write_text("mine")
    (site / ".git").mkdir()
    export_site(gallery, site)
    assert (site / "pages/atlas/wiring.js").read_text() != "old"
    assert not (site / "data" / "runs" / "stale").exists()
    assert (site / "CNAME").read_text() == "mine"
    assert (site / ".git").is_dir()

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    (foreign / "catalog.json").write_text('{"books": []}')
    with pytest.raises(ExportError, match="is not empty and holds no earlier export"):
        export_site(gallery, foreign)
    with pytest.raises(ExportError, match="is a file"):
        export_site(gallery, foreign / "thesis.tex")
    with pytest.raises(ExportError, match="cannot write"):
        export_site(gallery, foreign / "thesis.tex" / "site")
    with pytest.raises(ExportError, match="holds the gallery itself"):
        export_site(gallery, gallery.data.parent)
    assert (foreign / "thesis.tex").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign", "site"]


def test_the_thumbnails_are_those_of_the_datasets() -> None:
    drawn = draw_thumbnails()
    for entry in describe_catalog(compute=True)["datasets"]:
        assert entry["thumbnail"] == drawn[entry["name"]], "run scripts/make_thumbnails.py"
        assert set(entry["thumbnail"]["label"]) == set(range(len(entry["classes"])))
    assert list(drawn) == list(SOURCES)


def test_the_catalog_opens_on_a_run_of_the_default_gallery() -> None:
    assert RunConfig.from_mapping(describe_catalog(compute=True)["default"]) == OPENING
    assert OPENING in gallery_configs()


def test_the_catalog_says_how_each_dataset_is_drawn_under_another_default() -> None:
    default = RunConfig(dataset={"name": "moons", "points": 80, "seed": 3}, training={"epochs": 7})
    offered = describe_catalog(compute=True, default=default)
    assert RunConfig.from_mapping(offered["default"]) == default
    samples = {entry["name"]: DatasetConfig.from_mapping(entry["config"]) for entry in offered["datasets"]}
    assert samples["moons"] == default.dataset
    assert samples["iris"] == DatasetConfig(name="iris", seed=3)
    assert list(samples) == list(SOURCES)


def test_a_compact_export_holds_the_same_arrays_in_fewer_bytes(gallery: Gallery, tmp_path: Path) -> None:
    plain, compact = (export_site(gallery, tmp_path / name, compact=name == "compact") for name in ("plain", "compact"))
    assert compact.runs == plain.runs
    assert compact.size < plain.size
    for run_id in plain.runs:
        whole, small = (export.site / "data" / "runs" / run_id for export in (plain, compact))
        found, meant = (json.loads((folder / "run.json").read_text()) for folder in (small, whole))
        assert found.pop("compact") is True
        for ours, theirs in zip(_arrays(found), _arrays(meant), strict=True):
            packed = gzip.decompress((small / ours["file"]).read_bytes())
            np.testing.assert_array_equal(from_planes(packed), np.load(whole / theirs["file"]))
            assert {**theirs, "file": theirs["file"] + ".gz", "compression": "gzip"} == ours
        assert {path.suffix for path in small.rglob("*.*")} == {".gz", ".json"}
        with pytest.raises(RunDamagedError, match="a compact copy for the web"):
            open_run(small)


def from_planes(data: bytes) -> AnyArray:
    """Read an array in byte planes, number by number, as docs/run-format.md describes it."""
    if data.startswith(b"\x93NUMPY"):
        whole: AnyArray = np.load(io.BytesIO(data))
        assert whole.dtype.itemsize == 1 or whole.size == 0
        return whole
    assert data.startswith(b"\x93PLANE")
    start = 10 + int.from_bytes(data[8:10], "little")
    header = ast.literal_eval(data[10:start].decode())
    shape, dtype = header["shape"], np.dtype(header["descr"])
    block = int(np.prod(shape[-2:] if len(shape) > 2 else shape))
    numbers = bytearray()
    for first in range(start, len(data), block * dtype.itemsize):
        for number in range(block):
            numbers += bytes(data[first + place * block + number] for place in range(dtype.itemsize))
    return np.frombuffer(bytes(numbers), dtype).reshape(shape)


def test_surfaces_in_byte_planes_compress_to_less(small_run: Run) -> None:
    file = io.BytesIO()
    np.save(file, small_run.loss_surface["fresh"])
    assert len(gzip.compress(to_byte_planes(file.getvalue()))) < len(gzip.compress(file.getvalue()))
    with pytest.raises(ValueError, match="pickled"):
        np.load(io.BytesIO(to_byte_planes(file.getvalue())))


def test_a_compact_export_leaves_out_the_weights_of_large_networks_alone(tmp_path: Path) -> None:
    large = Gallery(tmp_path / "data")
    config = RunConfig(
        dataset={"points": 20}, model={"hidden": (100, 50)}, training={"epochs": 2}, boundary={"resolution": 4}
    ).with_values(planes=[{"grid": 3}], curvature={"frames": 0})
    run = compute_run(config)
    assert run.setup.network.parameter_count > MOST_PARAMETERS
    large.save(run)
    folder = export_site(large, tmp_path / "site", compact=True).site / "data" / "runs" / run.id
    manifest = json.loads((folder / "run.json").read_text())
    assert "weights" not in manifest["arrays"]
    assert "directions" not in manifest["planes"][0]["arrays"]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.gz")}
    assert files == {entry["file"] for entry in _arrays(manifest)}


def _arrays(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        entry
        for arrays in (manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"]))
        for entry in arrays.values()
    ]


def test_stories_are_added_to_a_site_and_earlier_ones_stay(gallery: Gallery, tmp_path: Path) -> None:
    text = {name: json.dumps({"format": "lossatlas-story", "version": 1, "title": name}) for name in ("one", "two")}
    for name, content in text.items():
        (tmp_path / f"{name}.json").write_text(content)
    site = tmp_path / "site"
    export_site(gallery, site, stories=[tmp_path / "one.json", tmp_path / "two.json"])
    (tmp_path / "two.json").write_text(text["two"] + " ")
    export_site(gallery, site, stories=[tmp_path / "two.json"])
    export_site(gallery, site)
    found = {path.stem: path.read_text() for path in (site / "stories").iterdir()}
    assert found == {"one": text["one"], "two": text["two"] + " "}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("link.json", "{}", "cannot be named in an address"),
        ("A b.json", "{}", "cannot be named in an address"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.json", "[]", "is no story"),
        ("a.json", " " * 1_600_001, "is no story"),
    ],
)
def test_a_file_that_is_no_story_changes_nothing(
    gallery: Gallery, tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ExportError, match=words):
        export_site(gallery, tmp_path / "site", stories=[tmp_path / name])
    assert not (tmp_path / "site").exists()
