"""Fetch the libraries that the page ships, and write them into ``web/vendor/``: ``python scripts/vendor.py``.

The script needs npm. For each library, it writes the licence and one file that contains only what the page uses.
``vendor.json`` gives the source, the version, the exports and the SHA-256 of each file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "vendor"
#: The output of this bundler depends only on its version and its input.
BUNDLER = "esbuild@0.28.2"
BUNDLING = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--charset=utf8", "--legal-comments=none"]


@dataclass(frozen=True)
class Library:
    """One library that the page uses.

    Attributes
    ----------
    name
        The name of its files.
    version
        Its version on npm.
    licence
        The SPDX identifier of its licence.
    exports
        The names that the page imports from it, or the file of a script in the package, which is copied.
    package
        Its name on npm if it differs from ``name``.
    """

    name: str
    version: str
    licence: str
    exports: str
    package: str = ""

    @property
    def on_npm(self) -> str:
        """The name of the package on npm."""
        return self.package or self.name

    @property
    def is_script(self) -> bool:
        """Whether its file is a script that is copied without changes."""
        return self.exports.endswith(".js")

    @property
    def file(self) -> str:
        """The name of its file in the page."""
        return f"{self.name}-{self.version}.min.js"

    @property
    def source(self) -> str:
        """The address of its source code."""
        return f"https://www.npmjs.com/package/{self.on_npm}/v/{self.version}"


LIBRARIES = (
    Library("plotly-gl3d", "4.1.1", "MIT", "plotly-gl3d.min.js", package="plotly.js-gl3d-dist-min"),
    Library("papaparse", "5.7.1", "MIT", "default"),
    Library("fflate", "0.8.3", "MIT", "zipSync"),
    Library("gifenc", "1.0.3", "MIT", "GIFEncoder, applyPalette, quantize"),
    Library(
        "mediabunny",
        "1.61.0",
        "MPL-2.0",
        "Output, BufferTarget, Mp4OutputFormat, WebMOutputFormat, EncodedVideoPacketSource, EncodedPacket",
    ),
)


def main() -> None:
    """Fetch all packages, and write their files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = [f"{library.on_npm}@{library.version}" for library in LIBRARIES]
        install = ["npm", "install", "--silent", "--no-save", "--prefix", name, BUNDLER, *wanted]
        subprocess.run(install, check=True)
        for old in VENDOR.glob("*.min.js"):
            old.unlink()
        notes = [write_library(library, folder) for library in LIBRARIES]
    (VENDOR / "vendor.json").write_text(json.dumps(notes, indent=2) + "\n", encoding="utf-8")


def write_library(library: Library, folder: Path) -> dict[str, str]:
    """Write one library and its licence, and describe them.

    Parameters
    ----------
    library
        The library.
    folder
        The folder in which npm has installed it.

    Returns
    -------
    dict
        The entry of the library in ``vendor.json``.
    """
    package = folder / "node_modules" / library.on_npm
    script = package / library.exports if library.is_script else bundle(library, folder)
    shutil.copyfile(script, VENDOR / library.file)
    [licence] = package.glob("LICENSE*")
    shutil.copyfile(licence, VENDOR / f"{library.name}-LICENSE.txt")
    return {
        "name": library.on_npm,
        "version": library.version,
        "source": library.source,
        "licence": library.licence,
        "exports": library.exports,
        "file": library.file,
        "sha256": hashlib.sha256((VENDOR / library.file).read_bytes()).hexdigest(),
    }


def bundle(library: Library, folder: Path) -> Path:
    """Make one ES module with the parts of a library that the page uses, and return its path."""
    entry, made = folder / f"{library.name}.js", folder / library.file
    entry.write_text(f"export {{{library.exports}}} from '{library.on_npm}';\n", encoding="utf-8")
    banner = f"/*! {library.name} {library.version} | {library.licence} | {library.source} */\n// @ts-nocheck"
    program = str(folder / "node_modules" / ".bin" / "esbuild")
    command = [program, str(entry), f"--outfile={made}", f"--banner:js={banner}"]
    subprocess.run([*command, *BUNDLING, "--log-level=warning"], check=True)
    return made


if __name__ == "__main__":
    main()
