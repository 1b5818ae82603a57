"""Fetch Papa Parse, which reads tables, and put it into the page as one ES module: python scripts/vendor.py

It takes npm. Beside the module are its licence and ``papaparse.json``, which says version, source and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "5.7.1"
VENDOR = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "vendor"
#: The package is written for loaders of other kinds; so it finds the one that it knows.
MODULE = """// @ts-nocheck
const module = {{exports: {{}}}};
const exports = module.exports;
{code}
export default module.exports;
"""


def main() -> None:
    """Fetch the package, wrap its script, and write what it is."""
    with tempfile.TemporaryDirectory() as folder:
        packing = ["npm", "pack", "--silent", "--pack-destination", folder, f"papaparse@{VERSION}"]
        subprocess.run(packing, check=True, capture_output=True)
        [archive] = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            script, licence = (read(package, name) for name in ("papaparse.min.js", "LICENSE"))
    module = MODULE.format(code=script.strip())
    path = VENDOR / f"papaparse-{VERSION}.min.js"
    for old in VENDOR.glob("papaparse-*"):
        old.unlink()
    path.write_text(module, encoding="utf-8")
    (VENDOR / "papaparse-LICENSE.txt").write_text(licence, encoding="utf-8")
    about = {
        "name": "papaparse",
        "version": VERSION,
        "source": f"https://www.npmjs.com/package/papaparse/v/{VERSION}",
        "licence": "MIT",
        "file": path.name,
        "sha256": hashlib.sha256(module.encode()).hexdigest(),
    }
    (VENDOR / "papaparse.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def read(package: tarfile.TarFile, name: str) -> str:
    """One file of the package, as text."""
    found = package.extractfile(f"package/{name}")
    assert found, f"the package has no {name}"
    return found.read().decode()


if __name__ == "__main__":
    main()
