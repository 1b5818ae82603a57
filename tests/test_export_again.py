"""Exports that are interrupted, repeated, or find what does not belong to them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from lossatlas.errors import ExportError
from lossatlas.runs import Run
from lossatlas.site import export_site
from lossatlas.store import Gallery, save_run

#: Exports, and dies at one of the changes of the file system below a folder, which it counts.
DYING = """
import os, signal, sys
from pathlib import Path
from lossatlas.site import export_site
from lossatlas.store import Gallery

data, site, moment = sys.argv[1], sys.argv[2], int(sys.argv[3])
count = 0

def hook(event, args):
    global count
    if event == "open":
        change = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    else:
        change = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link")
    if change:
        count += 1
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)

gallery = Gallery(data)
sys.addaudithook(hook)
export_site(gallery, site)
print(count)
"""


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def gallery(stored: Path) -> Gallery:
    gallery = Gallery(stored.parents[1])
    gallery.write_index()
    return gallery


def test_an_export_killed_at_any_moment_leaves_the_old_site_or_the_new_one(
    gallery: Gallery, other_run: Run, tmp_path: Path
) -> None:
    site, random = tmp_path / "out" / "site", Random(3)
    export_site(gallery, site)
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("mine")
    old = hashes(site)
    save_run(other_run, gallery.data)
    command = [sys.executable, "-c", DYING, str(gallery.data), str(site)]
    new = {**hashes(export_site(gallery, tmp_path / "new").site), ".git/config": old[".git/config"]}
    changes = len(new) + 40  # an export makes at least one change a file
    seen: Counter[str] = Counter()
    for moment in [*(random.randrange(1, changes) for _ in range(8)), *range(changes, changes + 160, 40)]:
        code = subprocess.run([*command, str(moment)], check=False, capture_output=True).returncode
        assert code in (0, -signal.SIGKILL)
        now = hashes(site)
        seen["old" if now == old else "new" if now == new else "a mixture"] += 1
    assert set(seen) == {"old", "new"}
    assert export_site(gallery, site).left_out == ()
    assert hashes(site) == new
    assert [path.name for path in site.parent.iterdir()] == ["site"]  # no copies stay behind


def test_exporting_again_writes_only_what_changed(gallery: Gallery, other_run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    export_site(gallery, site, compact=True)
    before = {path: path.stat() for path in site.rglob("*") if path.is_file()}
    export_site(gallery, site, compact=True)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in before} == {
        path: (status.st_ino, status.st_mtime_ns) for path, status in before.items()
    }
    save_run(other_run, gallery.data)
    export_site(gallery, site, compact=True)
    again = {str(path.relative_to(site)) for path, s in before.items() if path.stat().st_ino != s.st_ino}
    assert again == {"data/index.json"}
    assert all(path.stat().st_nlink == 1 for path in before)


def test_what_others_put_into_the_site_is_kept_and_what_it_no_longer_needs_is_not(
    gallery: Gallery, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    export_site(gallery, site)
    (site / "CNAME").write_text("atlas.example")
    (site / ".git" / "refs").mkdir(parents=True)
    (site / ".git" / "refs" / "main").write_text("1")
    (site / ".git" / "link").symlink_to("refs")
    shell = json.loads((site / "shell.json").read_text())
    (site / "shell.json").write_text(json.dumps({**shell, "files": [*shell["files"], "earlier/module.js"]}))
    (site / "earlier").mkdir()
    (site / "earlier" / "module.js").touch()
    export_site(gallery, site)
    assert (site / "CNAME").read_text() == "atlas.example"
    assert (site / ".git" / "link" / "main").read_text() == "1"
    assert (site / ".git" / "link").is_symlink()
    assert not (site / "earlier").exists()


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
    assert names == {"run.json", *(path.name for path in stored.rglob("*.npy"))}
    assert not any("secret" in path.read_text("latin-1") for path in (export.site / "data").rglob("*.npy"))


def test_a_foreign_folder_is_refused_and_unchanged(gallery: Gallery, tmp_path: Path) -> None:
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.tex").write_text("mine")
    with pytest.raises(ExportError, match="is not empty and holds no earlier export"):
        export_site(gallery, foreign)
    assert os.listdir(foreign) == ["chapter.tex"]  # noqa: PTH208
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "thesis"]
