"""Computes and checks the checksums of a run: its manifest has the SHA-256 of each file and of its own content.

Checksums reveal a flipped bit in an array, a file of another run, and a changed number in the manifest. They do not
help against somebody who changes a run on purpose, because anybody can compute a SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lossatlas.errors import RunDamagedError
from lossatlas.runs.run_config import write_canonical
from lossatlas.store.array_files import find_file, iterate_chunks, map_described_array
from lossatlas.store.regular_files import open_regular

#: The key of the checksum, in the manifest itself and in the entries of its arrays.
KEY = "sha256"


def add_checksums(folder: Path, manifest: Mapping[str, Any], *, keep: bool = False) -> dict[str, Any]:
    """Return a manifest with the checksums of all files that it names, which must exist.

    Parameters
    ----------
    folder
        The folder of the run.
    manifest
        The manifest, with or without checksums. It is not changed.
    keep
        Whether to keep existing checksums, so that a damaged file is not taken for a sound one.

    Returns
    -------
    dict
        The manifest with checksums.
    """

    def add(entries: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: entry if keep and KEY in entry else {**entry, KEY: hash_file(folder, find_file(folder, entry))}
            for name, entry in entries.items()
        }

    planes = [{**plane, "arrays": add(plane["arrays"])} for plane in manifest.get("planes", [])]
    return seal({**manifest, "arrays": add(manifest.get("arrays", {})), "planes": planes})


def seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with the checksum of its own content, which replaces an earlier checksum."""
    content = {key: value for key, value in manifest.items() if key != KEY}
    return {**content, KEY: _hash_content(content)}


def has_checksums(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest has checksums. Manifests of earlier versions have none."""
    return KEY in manifest


def check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Check the manifest and every file that it names against their checksums, if it has any.

    Parameters
    ----------
    folder
        The folder of the run.
    manifest
        The manifest.

    Raises
    ------
    RunDamagedError
        If the manifest or a file is not what was stored.
    """
    content = {key: value for key, value in manifest.items() if key != KEY}
    try:
        if has_checksums(manifest) and _hash_content(content) != manifest[KEY]:
            raise RunDamagedError(folder / "run.json", _FAULT)
        for entry in list_entries(manifest):
            name = find_file(folder, entry)
            map_described_array(folder, entry)  # this checks the size before the whole file is read
            if KEY in entry and hash_file(folder, name) != entry[KEY]:
                raise RunDamagedError(folder / name, _FAULT)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RunDamagedError(folder / "run.json", f"incomplete or inconsistent ({error!r})") from None


_FAULT = "its SHA-256 is not the stored one, so it was changed or damaged since"


def list_entries(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entries of all arrays of a manifest."""
    for entries in (manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"])):
        yield from entries.values()


def hash_file(folder: Path, name: str) -> str:
    """Return the SHA-256 of a file of a run.

    Parameters
    ----------
    folder, name
        The folder of the run, and the path of the file relative to it.

    Returns
    -------
    str
        The SHA-256 in 64 hexadecimal digits.

    Raises
    ------
    RunDamagedError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open_regular(folder, name) as file:
            for chunk in iterate_chunks(file):
                digest.update(chunk)
    except FileNotFoundError:
        raise RunDamagedError(folder / name, "the file is missing") from None
    except OSError as error:
        raise RunDamagedError(folder / name, f"not readable: {error}") from None
    return digest.hexdigest()


def _hash_content(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(write_canonical(content).encode()).hexdigest()
