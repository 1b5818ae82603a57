"""Tests docs/hosting.md and its files: nginx serves an export with them, and their commands exist."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lossatlas.cli.build_command import build_command
from lossatlas.cli.export_command import export_command
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.server.live import get, until
from tests.server.test_process import is_open
from tests.test_export_again import compress_quickly

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
WORKFLOW = yaml.safe_load((DEPLOY / "github-pages.yml").read_text(encoding="utf-8"))
STEPS = WORKFLOW["jobs"]["publish"]["steps"]
DOCS = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
COMMANDS = [
    *re.findall(r"lossatlas (?:export|build) [^`|\n]+", DOCS),
    *(step["run"] for step in STEPS if step.get("run", "").startswith("lossatlas ")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_exist(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    {"export": export_command, "build": build_command}[name].make_context(name, arguments)


def test_the_workflow_publishes_what_it_exports() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in used)
    [upload] = [step for step in STEPS if "upload-pages-artifact" in step.get("uses", "")]
    [export] = [step["run"] for step in STEPS if " export " in step.get("run", "")]
    assert shlex.split(export)[2] == upload["with"]["path"]
    assert WORKFLOW["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert STEPS[-1]["uses"].startswith("actions/deploy-pages@")
    assert STEPS[-1]["id"] in WORKFLOW["jobs"]["publish"]["environment"]["url"]


@pytest.fixture
def hosted(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """Start nginx with an export, below a path as in ``deploy/``."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (on Debian: apt-get install nginx-light)")
    compress_quickly(monkeypatch)
    site = export_site(Gallery(stored.parents[1]), tmp_path / "site", compact=True, compress=True).site
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    location = (DEPLOY / "nginx-site.conf").read_text(encoding="utf-8").replace("/srv/atlas", str(site))
    paths = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # or it could not read pytest's folder
    (tmp_path / "nginx.conf").write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths}\nserver {{ listen 127.0.0.1:{port};\n{location}}} }}"
    )
    process = subprocess.Popen([program, "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf"])
    try:
        until(lambda: is_open(port))
        yield f"http://127.0.0.1:{port}/atlas/", site
    finally:
        process.terminate()
        process.wait(60)


def test_nginx_serves_an_export_compressed_and_lets_browsers_keep_what_never_changes(
    hosted: tuple[str, Path], stored: Path
) -> None:
    url, site = hosted
    page = get(url)
    assert page.text == (site / "index.html").read_text(encoding="utf-8")
    assert page.headers["content-type"] == "text/html"
    assert page.headers["content-encoding"] == "gzip"
    script = get(f"{url}pages/atlas/main.js")
    assert script.headers["content-type"] in {"application/javascript", "text/javascript"}
    assert int(script.headers["content-length"]) == (site / "pages/atlas/main.js.gz").stat().st_size
    kernel = get(f"{url}compute/engine/kernel.wasm")
    assert kernel.content == (site / "compute/engine/kernel.wasm").read_bytes()
    assert get(f"{url}manifest.webmanifest").headers["content-type"] == "application/manifest+json"
    folder = f"data/runs/{stored.name}"
    manifest = get(f"{url}{folder}/run.json")
    array = get(f"{url}{folder}/{json.loads(manifest.text)['arrays']['weights']['file']}")
    assert "content-encoding" not in array.headers  # the page unpacks it
    assert gzip.decompress(array.content)[:6] in {b"\x93PLANE", b"\x93NUMPY"}
    library = get(f"{url}vendor/plotly-gl3d-4.1.1.min.js")
    assert library.headers["content-encoding"] == "gzip"
    for answer in (page, script, kernel, manifest):
        assert answer.headers.get_list("cache-control") == ["no-cache"]
        again = get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    for answer in (array, library):
        assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert {answer.headers["x-content-type-options"] for answer in (page, script, array)} == {"nosniff"}
    assert get(f"{url}data/runs/nothing_0123456789abcdef.npy").status_code == 404
