"""Looks at data folders after an attack: what is stored, what is damaged, what is left behind."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

from lossatlas.store import Gallery

#: What a data folder may contain besides its runs.
_USUAL = {"runs", "index.json", ".index.lock", ".build.lock", ".on-demand"}


def hash_runs(data: Path) -> dict[str, str]:
    """Return a hash of all files of each stored run, by its id."""
    return {run_id: hash_folder(data / "runs" / run_id) for run_id in Gallery(data).ids()}


def hash_folder(folder: Path) -> str:
    """Return a hash of the names and the bytes of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def find_faults(data: Path) -> list[str]:
    """List what ``verify`` says of the runs in a folder that are not sound."""
    return [f"{verdict.run_id}: {verdict.fault}" for verdict in Gallery(data).verify() if verdict.fault]


def find_leftovers(data: Path) -> Counter[str]:
    """Count what lies in a data folder besides its runs, by the first word of its name."""
    if not data.is_dir():
        return Counter()
    usual = {*_USUAL, *Gallery(data).ids()}
    names = [path.name for folder in (data, data / "runs") if folder.is_dir() for path in folder.iterdir()]
    return Counter(name.partition("-")[0] for name in names if name not in usual)
