"""Tests that the libraries that the page ships are those in their list, each with its licence."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from scripts.vendor import FONTS, LETTERS, LIBRARIES, SIGNS, Font, Library

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "src/lossatlas/web/vendor"
NOTES = {note["file"]: note for note in json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))}
#: What the texts of the licences say, by their SPDX identifiers.
LICENCES = {
    "MIT": "Permission is hereby granted, free of charge",
    "MPL-2.0": "Mozilla Public License",
    "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1",
}
VENDORED = (*LIBRARIES, *FONTS)


def test_every_library_is_in_the_list_and_nothing_else() -> None:
    assert set(NOTES) == {each.file for each in VENDORED} == {path.name for path in VENDOR.glob("*.js")}
    assert {path.name for path in VENDOR.glob("*-LICENSE.txt")} == {f"{each.name}-LICENSE.txt" for each in VENDORED}


@pytest.mark.parametrize("library", VENDORED, ids=lambda library: library.name)
def test_a_library_is_the_one_that_its_note_names(library: Library | Font) -> None:
    note = NOTES[library.file]
    assert (note["name"], note["version"]) == (library.on_npm, library.version)
    script = (VENDOR / library.file).read_bytes()
    assert hashlib.sha256(script).hexdigest() == note["sha256"], "run scripts/vendor.py"
    assert library.version in script[:400].decode()
    licence = (VENDOR / f"{library.name}-LICENSE.txt").read_text(encoding="utf-8")
    assert LICENCES[library.licence] in licence
    for package in note.get("contains", {}):
        assert f"{package}\n" in licence, "a file that contains other packages has their licences as well"


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_no_library_evaluates_text_as_code(library: Library) -> None:
    """The page's content security policy would refuse it."""
    if library.is_script:
        pytest.skip("what Plotly does is watched in every test of the page")
    script = (VENDOR / library.file).read_text(encoding="utf-8")
    assert re.findall(r"new Function|\beval\(|importScripts", script) == []


def test_the_page_knows_the_letters_of_its_font() -> None:
    page = (VENDOR.parent / "features/share/pdf.js").read_text(encoding="utf-8")
    ranges = "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in LETTERS)
    assert f"/^[{ranges}{SIGNS}\\n]*$/" in page
