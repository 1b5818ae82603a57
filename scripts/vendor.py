"""Fetch the libraries that the page ships, and write them into ``web/vendor/``: ``python scripts/vendor.py``.

The script needs npm. For each library, it writes the licences and one file that contains only what the page uses.
``vendor.json`` gives the source, the version, the exports, the packages and the SHA-256 of each file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "vendor"
#: The output of this bundler depends only on its version and its input.
BUNDLER = "esbuild@0.28.2"
BUNDLING = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--charset=utf8", "--legal-comments=none"]
#: The program that cuts a font to some letters, and the letters that a figure may need. ``features/share/pdf.js`` knows
#: them as well.
SUBSETTER = "subset-font@2.9.0"
LETTERS = [(0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F), (0x2070, 0x2079), (0x2080, 0x2089)]
SIGNS = "–—‘’“”†•…′″⁻−≤≥≈∞√∂→←"
SUBSETTING = """
    import {readFileSync, writeFileSync} from 'node:fs';
    import subset from 'subset-font';
    const [from, to, letters] = process.argv.slice(2);
    writeFileSync(to, await subset(readFileSync(from), letters, {targetFormat: 'truetype', noLayoutClosure: true}));
"""


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
    plugin
        The name, the version and the exports of a plugin, which is in the same file.
    without
        Packages that the library imports for parts that the page does not use.
    """

    name: str
    version: str
    licence: str
    exports: str
    package: str = ""
    plugin: tuple[str, str, str] | None = None
    without: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class Font:
    """A font that is embedded into PDF files. Its file is a module with TrueType files in base64.

    Attributes
    ----------
    name
        The name of its files.
    version
        The version of its package on npm.
    licence
        The SPDX identifier of its licence.
    package
        The package.
    styles
        The TrueType files in the package, by the names of the module's exports.
    """

    name: str
    version: str
    licence: str
    package: str
    styles: dict[str, str]

    on_npm = property(lambda self: self.package)
    file = property(lambda self: f"{self.name}-{self.version}.min.js")
    source = property(lambda self: f"https://www.npmjs.com/package/{self.package}/v/{self.version}")
    exports = property(lambda self: ", ".join(self.styles))


LIBRARIES = (
    Library("plotly-gl3d", "4.1.1", "MIT", "plotly-gl3d.min.js", package="plotly.js-gl3d-dist-min"),
    Library("papaparse", "5.7.1", "MIT", "default"),
    Library("fflate", "0.8.3", "MIT", "zipSync"),
    Library("gifenc", "1.0.3", "MIT", "GIFEncoder, applyPalette, quantize"),
    Library(
        "jspdf",
        "4.2.1",
        "MIT",
        "jsPDF",
        plugin=("svg2pdf.js", "2.8.1", "svg2pdf"),
        without=("html2canvas", "dompurify", "canvg"),
    ),
    Library(
        "mediabunny",
        "1.61.0",
        "MPL-2.0",
        "Output, BufferTarget, Mp4OutputFormat, WebMOutputFormat, EncodedVideoPacketSource, EncodedPacket",
    ),
)


FONTS = (
    Font(
        "inter",
        "0.4.2",
        "OFL-1.1",
        "@expo-google-fonts/inter",
        {
            "normal": "400Regular/Inter_400Regular.ttf",
            "italic": "400Regular_Italic/Inter_400Regular_Italic.ttf",
        },
    ),
)


def main() -> None:
    """Fetch all packages, and write their files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = [f"{each.on_npm}@{each.version}" for each in (*LIBRARIES, *FONTS)]
        plugins = ["@".join(library.plugin[:2]) for library in LIBRARIES if library.plugin]
        install = ["npm", "install", "--silent", "--no-save", "--prefix", name, BUNDLER, SUBSETTER]
        subprocess.run([*install, *wanted, *plugins], check=True)
        for old in VENDOR.glob("*.min.js"):
            old.unlink()
        notes = [write_library(library, folder) for library in LIBRARIES]
        notes += [write_font(font, folder) for font in FONTS]
    (VENDOR / "vendor.json").write_text(json.dumps(notes, indent=2) + "\n", encoding="utf-8")


def write_library(library: Library, folder: Path) -> dict[str, Any]:
    """Write one library and the licences of all packages in it, and describe them.

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
    packages = [library.on_npm]
    if library.is_script:
        shutil.copyfile(folder / "node_modules" / library.on_npm / library.exports, VENDOR / library.file)
    else:
        packages += bundle(library, folder, VENDOR / library.file)
    licences = [read_licence(folder / "node_modules" / package) for package in packages]
    text = licences[0] if len(packages) == 1 else "\n".join(map("{0}\n\n{1}".format, packages, licences))
    (VENDOR / f"{library.name}-LICENSE.txt").write_text(text, encoding="utf-8")
    return describe(library, {package: read_version(folder / "node_modules" / package) for package in packages[1:]})


def write_font(font: Font, folder: Path) -> dict[str, Any]:
    """Write one font, cut to the letters that figures may need, and describe it."""
    package = folder / "node_modules" / font.on_npm
    program, cut = folder / "subset.mjs", folder / "cut.ttf"
    program.write_text(SUBSETTING, encoding="utf-8")
    letters = SIGNS + "".join(chr(code) for first, last in LETTERS for code in range(first, last + 1))
    lines = [make_banner(font)]
    for name, path in font.styles.items():
        # Only names of quantities are in italics.
        wanted = letters if name == "normal" else letters[: len(SIGNS) + 0x5F]
        subprocess.run(["node", str(program), str(package / path), str(cut), wanted], check=True)
        lines.append(f"export const {name} = '{base64.b64encode(cut.read_bytes()).decode()}';")
    (VENDOR / font.file).write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copyfile(package / "LICENSE_FONT", VENDOR / f"{font.name}-LICENSE.txt")
    return describe(font, {})


def describe(vendored: Library | Font, contains: dict[str, str]) -> dict[str, Any]:
    """Describe one file: the entry in ``vendor.json``."""
    return {
        "name": vendored.on_npm,
        "version": vendored.version,
        "source": vendored.source,
        "licence": vendored.licence,
        "exports": vendored.exports,
        **({"contains": contains} if contains else {}),
        "file": vendored.file,
        "sha256": hashlib.sha256((VENDOR / vendored.file).read_bytes()).hexdigest(),
    }


def bundle(library: Library, folder: Path, made: Path) -> list[str]:
    """Make one ES module with the parts of a library that the page uses.

    Returns
    -------
    list of str
        The other packages whose code is in it.
    """
    entry, content = folder / f"{library.name}.js", folder / "content.json"
    parts = [(library.on_npm, library.exports)] + ([library.plugin[::2]] if library.plugin else [])
    lines = [f"export {{{exports}}} from '{package}';\n" for package, exports in parts]
    entry.write_text("".join(lines), encoding="utf-8")
    program = str(folder / "node_modules" / ".bin" / "esbuild")
    command = [
        program,
        str(entry),
        f"--outfile={made}",
        f"--banner:js={make_banner(library)}",
        f"--metafile={content}",
    ]
    command += [f"--external:{package}" for package in library.without]
    subprocess.run([*command, *BUNDLING, "--log-level=warning"], check=True, cwd=folder)
    [output] = json.loads(content.read_text(encoding="utf-8"))["outputs"].values()
    used = [path for path, part in output["inputs"].items() if part["bytesInOutput"] > 0]
    packages = {found[1] for path in used if (found := re.match(r"node_modules/((?:@[^/]+/)?[^/]+)/", path))}
    return sorted(packages - {library.on_npm})


def make_banner(vendored: Library | Font) -> str:
    """Write the first lines of a file."""
    return f"/*! {vendored.name} {vendored.version} | {vendored.licence} | {vendored.source} */\n// @ts-nocheck"


def read_licence(package: Path) -> str:
    """Read the licence of a package."""
    [licence] = sorted(package.glob("LICENSE*"))
    return licence.read_text(encoding="utf-8")


def read_version(package: Path) -> str:
    """Read the version of a package."""
    version: str = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    return version


if __name__ == "__main__":
    main()
