"""Corrupts a stored run in many ways, for :mod:`scripts.corrupt_runs`."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A run to corrupt.

    Attributes
    ----------
    run, other
        The folder of the run, and that of a sound run with the same layout.
    outside
        A folder outside the gallery, which does not exist yet.
    random
        The random generator.
    """

    run: Path
    other: Path
    outside: Path
    random: Random

    def choose_file(self) -> Path:
        """Choose one of the arrays."""
        return self.random.choice(sorted(self.run.rglob("*.npy")))

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest, read from the disk."""
        found: dict[str, Any] = json.loads((self.run / "run.json").read_text(encoding="utf-8"))
        return found

    def write(self, manifest: Any) -> None:
        """Write the manifest."""
        text = json.dumps(manifest)
        (self.run / "run.json").write_text(text, encoding="utf-8", errors="surrogatepass")


def claim(shape: str, dtype: str = "'<f4'", turned: str = "False") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': {turned}, 'shape': {shape}, }}\n"


def make_npy(header: str, version: int = 1) -> bytes:
    text = header.encode("latin-1", "replace")
    length = struct.pack("<H", len(text) & 0xFFFF) if version == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + b"\0" * 64


#: Headers that make NumPy fail, allocate gigabytes, or read something else.
HEADERS = [
    *map(
        claim,
        ("(2500000000,)", "(10**10,)", f"({'9' * 26},)", "(-1, 4)", "(-6, -49)", "(0,)", "(1e9,)", "('a',)", "()"),
    ),
    claim("(True, 49)"),
    *(
        claim("(6, 49)", dtype)
        for dtype in ("'|O'", "'>f4'", "'<f8'", "[('a', '<f4')]", "[]", "()", "'V0'", "'S99999999999'", "'<M8[ns]'")
    ),
    claim("(6, 49)", turned="True"),
    *("{", "(", "'''", "\\", "[" * 5000, "(" * 200, "-" * 9000 + "1", "x" * 60000, "", "\0" * 64, "1+", "  \n  1\n 2"),
    *("{" + "'a':1," * 1500 + "}", "{**1}", "f'{1}'", "0" * 5000, "(6,49)" + ")" * 50, "0777", "{1:{2:" * 400),
]
VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 255, 256, 10**6, 2**31, 2**63, 10**30, 10**400, -(10**30), 0.5, -0.0, 1e308, 1e-320),
    *("", "x", "NaN", "\0", "\ud800", "../../etc/passwd", "<img src=x onerror=alert(1)>", "é" * 3000, "float64"),
    *([], [[]], {}, [None], [1, 2, 3], {"a": 1}, [0] * 10000, "moons", "fresh"),
]
TEXTS = [
    *("NaN", "Infinity", "1e999", "1" * 5000, "[" * 900 + "]" * 900, "[" * 100_000 + "]" * 100_000),
    *('{"a":' * 800 + "1" + "}" * 800, "1.51.5", "'x'", "", "nul", "1e-400", "-"),
]
NAMES: list[Any] = [
    *("../../outside/secret.npy", "/etc/passwd", "", ".", "..", "run.json", "planes", "weights.npy\0", "w" * 300),
    *("w/" * 3000, "./weights.npy", "planes/../weights.npy", "..\\..\\x.npy", "file:///etc/passwd", "/dev/zero"),
    *("link.npy", "pipe.npy", "self.npy", 3, None, [], {"a": 1}, "\ud800.npy", "labels.npy"),
]


def cut_array(case: Case) -> str:
    path = case.choose_file()
    size = path.stat().st_size
    kept = case.random.choice([0, 1, 5, 10, 64, 127, 128, size - 1, case.random.randrange(size)])
    os.truncate(path, kept)
    return f"{path.name} to {kept}"


def lengthen_array(case: Case) -> str:
    path = case.choose_file()
    with path.open("ab") as file:
        file.write(case.random.randbytes(case.random.choice([1, 4, 128, 100_000])))
    return path.name


def flip_bit(path: Path, random: Random, first: int = 0, last: int | None = None) -> str:
    content = bytearray(path.read_bytes())
    place = random.randrange(first, min(last or len(content), len(content)))
    content[place] ^= 1 << random.randrange(8)
    path.write_bytes(content)
    return f"{path.name} at {place}"


def swap_files(case: Case) -> str:
    path = case.choose_file()
    name = path.relative_to(case.run)
    source = case.other / name if case.random.random() < 0.6 else case.choose_file()
    if source != path:
        shutil.copy(source, path)
    return f"{name} by {source.name}"


def make_header_hostile(case: Case) -> str:
    path, header = case.choose_file(), case.random.choice(HEADERS)
    path.write_bytes(make_npy(header, case.random.choice([1, 2, 3])))
    return f"{path.name} {header[:60]!r}"


def make_array_hostile(case: Case) -> str:
    path, kind = case.choose_file(), case.random.randrange(5)
    if kind == 0:
        np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    elif kind == 1:
        path.write_bytes(make_npy(claim("(2500000000,)")))
        os.truncate(path, 10**10)
    elif kind == 2:
        path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 500)
    elif kind == 3:
        with path.open("wb") as file:
            np.savez(file, a=1)
    else:
        array = np.load(path)
        array.flat[case.random.randrange(array.size)] = case.random.choice(
            [np.nan, np.inf, -1.5] if array.dtype.kind == "f" else [255, 7]
        )
        np.save(path, array)
    return f"{path.name} {kind}"


def make_sparse(case: Case) -> str:
    manifest = case.manifest
    entries = list(_iterate_entries(manifest))
    entry = case.random.choice(entries)
    count, dtype = {
        "float32": (2_500_000_000, "'<f4'"),
        "uint8": (10**10, "'|u1'"),
        "float64": (1_250_000_000, "'<f8'"),
    }[entry["dtype"]]
    header = claim(f"({count},)", dtype)
    path = case.run / entry["file"]
    path.write_bytes(make_npy(header))
    os.truncate(path, 10**10 + 10 + len(header))
    entry["shape"] = [count]
    case.write(manifest)
    return str(entry["file"])


def make_many_frames(case: Case) -> str:
    count, manifest = case.random.choice([3000, 20_000, 60_000]), case.manifest
    manifest["frames"] = list(range(count))
    manifest["metrics"] = {key: [1.0] * count for key in manifest["metrics"]}
    for entry in _iterate_entries(manifest):
        if "frame" in entry["axes"]:
            entry["shape"][entry["axes"].index("frame")] = count
            path = case.run / entry["file"]
            dtype = np.load(path).dtype
            path.unlink()
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=tuple(entry["shape"])).flush()
    case.write(manifest)
    return str(count)


def cut_manifest(case: Case) -> str:
    path = case.run / "run.json"
    kept = case.random.randrange(path.stat().st_size)
    os.truncate(path, kept)
    return f"to {kept}"


def change_value(case: Case) -> str:
    manifest = case.manifest
    place, value = case.random.choice([path for path in _iterate_paths(manifest) if path]), case.random.choice(VALUES)
    *above, last = place
    inner: Any = manifest
    for key in above:
        inner = inner[key]
    how = case.random.random()
    if how < 0.15:
        del inner[last]
    elif how < 0.3 and isinstance(inner[last], int | float):
        inner[last] += case.random.choice([1, -1, 0.001, 1e-12])
    else:
        inner[last] = value
    case.write(manifest)
    return f"{'.'.join(map(str, place))} {str(value)[:40]!r}"


def write_raw(case: Case) -> str:
    manifest, text = case.manifest, case.random.choice(TEXTS)
    *above, last = case.random.choice([path for path in _iterate_paths(manifest) if path])
    inner: Any = manifest
    for key in above:
        inner = inner[key]
    inner[last] = "@@@"
    (case.run / "run.json").write_text(json.dumps(manifest).replace('"@@@"', text), encoding="utf-8")
    return f"{last} {text[:40]}"


def change_file_name(case: Case) -> str:
    manifest = case.manifest
    case.outside.mkdir()
    np.save(case.outside / "secret.npy", np.zeros((6, 49), np.float32))
    (case.run / "link.npy").symlink_to(case.outside / "secret.npy")
    (case.run / "self.npy").symlink_to("self.npy")
    os.mkfifo(case.run / "pipe.npy")
    name = case.random.choice(NAMES)
    case.random.choice(list(_iterate_entries(manifest)))["file"] = name
    case.write(manifest)
    return str(name)[:40]


def put_odd_files(case: Case) -> str:
    path, manifest, kind = case.choose_file(), case.run / "run.json", case.random.randrange(7)
    text = manifest.read_bytes()
    if kind in (0, 1):
        path = (path, manifest)[kind]
        path.unlink()
        os.mkfifo(path)
    elif kind in (2, 3):
        path = (path, manifest)[kind - 2]
        path.unlink()
        path.symlink_to("/dev/zero")
    elif kind == 4:
        shutil.copytree(case.run, case.outside)
        shutil.rmtree(case.run)
        case.run.symlink_to(case.outside)
    elif kind == 5:
        manifest.write_bytes(b"")
        os.truncate(manifest, 10**10)
    else:
        encoded = [
            b"\xff\xfe" + text.decode().encode("utf-16-le"),
            os.urandom(4000),
            text.replace(b"moons", b"\xffoons"),
        ]
        manifest.write_bytes(case.random.choice(encoded))
    return f"{kind} {path.name}"


def _iterate_entries(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in (manifest, *manifest["planes"]):
        yield from part["arrays"].values()


def _iterate_paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from _iterate_paths(below, (*above, key))


#: The share of each family among the cases, and its function, which corrupts a run and returns a description.
FAMILIES: dict[str, tuple[int, Callable[[Case], str]]] = {
    "an array cut short": (200, cut_array),
    "a longer array": (60, lengthen_array),
    "a flipped bit in data": (400, lambda case: flip_bit(case.choose_file(), case.random, 128)),
    "a flipped bit in a header": (150, lambda case: flip_bit(case.choose_file(), case.random, 0, 128)),
    "swapped files": (140, swap_files),
    "a hostile header": (170, make_header_hostile),
    "a hostile array": (80, make_array_hostile),
    "a sparse array of 10 GB": (20, make_sparse),
    "many frames": (10, make_many_frames),
    "a manifest cut short": (80, cut_manifest),
    "a flipped bit in the manifest": (250, lambda case: flip_bit(case.run / "run.json", case.random)),
    "a changed value": (300, change_value),
    "text that is no JSON": (60, write_raw),
    "another file name": (50, change_file_name),
    "odd files and links": (30, put_odd_files),
}
