"""Tests exports that are interrupted or repeated, or that find foreign files."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import brotli
import pytest

from lossatlas.errors import ExportError
from lossatlas.runs import Run
from lossatlas.site import compressed, export_site
from lossatlas.store import Gallery, save_run

#: This program exports over a site repeatedly, in processes that die at some change of the file system. It prints
#: the state of the site after each process, and at the end what is left beside the site.
DYING = """
import json, os, shutil, signal, sys
from pathlib import Path
from random import Random
import lossatlas.site.export as export
from lossatlas.store import Gallery
from tests.test_export_again import hashes

export.make_assets()  # the processes have it from this one

data, site, kept = map(Path, sys.argv[1:])
shutil.copytree(site, kept, symlinks=True)
changes = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link")

def attempt(moment):
    reader, writer = os.pipe()
    if not (process := os.fork()):
        count = 0
        def hook(event, args):
            nonlocal count
            flags = args[2] if event == "open" and isinstance(args[2], int) else 0
            if event in changes or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
        replace = export.replace_folder
        def replace_noted(*args):
            os.write(writer, f"{count} ".encode())
            return replace(*args)
        export.replace_folder = replace_noted
        sys.addaudithook(hook)
        export.export_site(Gallery(data), site)
        os.write(writer, str(count).encode())
        os._exit(0)
    os.close(writer)
    status = os.waitpid(process, 0)[1]
    with os.fdopen(reader) as file:
        return status, file.read()

old = hashes(site)
exchange, total = map(int, attempt(0)[1].split())
new, seen, random = hashes(site), [], Random(3)
for moment in [*random.sample(range(1, exchange), 3), exchange, exchange + 1, (exchange + total) // 2, total]:
    for path in site.parent.iterdir():
        shutil.rmtree(path)  # what the one before has left, whose removal would count, too
    shutil.copytree(kept, site, symlinks=True)
    status, _ = attempt(moment)
    assert os.WIFSIGNALED(status), moment
    now = hashes(site)
    seen.append("old" if now == old else "new" if now == new else "a mixture")
export.export_site(Gallery(data), site)
print(json.dumps([seen, hashes(site) == new, [path.name for path in site.parent.iterdir()]]))
"""


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def gallery(stored: Path) -> Gallery:
    gallery = Gallery(stored.parents[1])
    gallery.write_index()
    return gallery


def compress_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make copies with the lowest quality of Brotli, which takes a tenth of the time."""
    monkeypatch.setattr(
        compressed, "_to_brotli", lambda content, mode, _: brotli.compress(content, mode=mode, quality=1)
    )


def test_an_export_killed_at_any_moment_leaves_the_old_site_or_the_new_one(
    gallery: Gallery, other_run: Run, tmp_path: Path
) -> None:
    site = tmp_path / "out" / "site"
    export_site(gallery, site)
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("mine")
    save_run(other_run, gallery.data)
    command = [sys.executable, "-c", DYING, str(gallery.data), str(site), str(tmp_path / "kept")]
    seen, complete, left = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert seen == ["old"] * 4 + ["new"] * 3
    assert complete
    assert left == ["site"]  # no copies remain
    assert (site / ".git" / "config").read_text() == "mine"


def test_exporting_again_writes_only_what_changed(gallery: Gallery, other_run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert export_site(gallery, site, compact=True).written == sum(path.is_file() for path in site.rglob("*"))
    before = {path: path.stat() for path in site.rglob("*") if path.is_file()}
    folder = site.stat().st_ino
    assert export_site(gallery, site, compact=True).written == 0
    assert site.stat().st_ino == folder, "a site in which nothing has changed is not exchanged"
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in before} == {
        path: (status.st_ino, status.st_mtime_ns) for path, status in before.items()
    }
    save_run(other_run, gallery.data)
    export_site(gallery, site, compact=True)
    again = {str(path.relative_to(site)) for path, s in before.items() if path.stat().st_ino != s.st_ino}
    assert again == {"data/index.json"}
    assert export_site(gallery, site, compact=True).written == 0
    assert all(path.stat().st_nlink == 1 for path in before)


def test_compressed_copies_hold_the_same_bytes_and_are_made_once(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress_quickly(monkeypatch)
    site = tmp_path / "site"
    export_site(gallery, site, compress=True)
    copies = {suffix: set(site.rglob(f"*{suffix}")) for suffix in (".gz", ".br")}
    for suffix, unpack in ((".gz", gzip.decompress), (".br", brotli.decompress)):
        for path in copies[suffix]:
            original = path.with_suffix("")
            assert unpack(path.read_bytes()) == original.read_bytes()
            assert path.stat().st_size < original.stat().st_size
    plain = {path for path in site.rglob("*") if path.is_file()} - copies[".gz"] - copies[".br"]
    packed = {path for path in plain if path.suffix in {".js", ".html", ".css"} and path.stat().st_size >= 1024}
    assert len(packed) > 100
    assert all(path.with_name(f"{path.name}{suffix}") in found for suffix, found in copies.items() for path in packed)
    assert export_site(gallery, site, compress=True).written == 0
    page = site / "index.html"
    page.write_text(page.read_text() + "<!-- changed -->")
    assert export_site(gallery, site, compress=True).written == 1, "its copies are still those of the page"
    (site / "index.html.gz").write_bytes(b"damaged")
    assert export_site(gallery, site, compress=True).written == 1
    assert export_site(gallery, site).written == 0
    left = {path for path in site.rglob("*") if path.is_file()} - plain
    assert {path.name for path in left} == {"plotly-gl3d-4.1.1.min.js.br"}, "only the copy that the page ships is left"


def test_foreign_files_in_the_site_are_kept_and_outdated_ones_are_removed(gallery: Gallery, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_site(gallery, site)
    (site / "CNAME").write_text("atlas.example")
    (site / ".git" / "refs").mkdir(parents=True)
    (site / ".git" / "refs" / "main").write_text("1")
    (site / ".git" / "link").symlink_to("refs")
    shell = json.loads((site / "shell.json").read_text())
    (site / "shell.json").write_text(json.dumps({**shell, "files": [*shell["files"], "earlier/module.js"]}))
    [run_id] = gallery.ids()
    earlier = site / "data" / "runs" / run_id / "weights.npy"  # the name that it had in exports of earlier versions
    earlier.touch()
    (site / "earlier").mkdir()
    (site / "earlier" / "module.js").touch()
    export_site(gallery, site)
    assert (site / "CNAME").read_text() == "atlas.example"
    assert (site / ".git" / "link" / "main").read_text() == "1"
    assert (site / ".git" / "link").is_symlink()
    assert not (site / "earlier").exists()
    assert not earlier.exists()


def test_only_files_that_the_manifest_names_are_exported_and_none_through_a_link(
    gallery: Gallery, stored: Path, other_run: Run, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.npy").write_text("secret")
    (stored / "notes.txt").write_text("mine")
    (stored / "leak").symlink_to(secret)
    other = save_run(other_run, gallery.data)
    (other / "split.npy").unlink()
    (other / "split.npy").symlink_to(secret / "key.npy")
    (gallery.data / "runs" / "moons-4-tanh-00000000").symlink_to(secret)
    export = export_site(gallery, tmp_path / "site")
    assert export.runs == (stored.name,)
    assert len(export.left_out) == 2
    assert all("a link, which may lead outside the run" in fault for fault in export.left_out)
    names = {path.name for path in (export.site / "data" / "runs" / stored.name).rglob("*") if path.is_file()}
    arrays = {re.sub(r"_[0-9a-f]{16}\.npy$", ".npy", name) for name in names - {"run.json"}}
    assert arrays == {path.name for path in stored.rglob("*.npy")}
    assert not any("secret" in path.read_text("latin-1") for path in (export.site / "data").rglob("*.npy"))


def test_a_foreign_folder_is_refused_and_unchanged(gallery: Gallery, tmp_path: Path) -> None:
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.tex").write_text("mine")
    with pytest.raises(ExportError, match="is not empty and holds no earlier export"):
        export_site(gallery, foreign)
    assert os.listdir(foreign) == ["chapter.tex"]  # noqa: PTH208
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "thesis"]
