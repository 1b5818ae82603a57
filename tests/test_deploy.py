"""Tests the files in deploy/ and docs/server.md as far as is possible without systemd and Docker."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from lossatlas.cli.serve_command import serve_command
from lossatlas.store import Gallery
from tests.server.live import live_server

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
SERVICE = (DEPLOY / "lossatlas.service").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
#: The options after the program and the command.
COMMANDS = {
    "Dockerfile": json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0])[2:],
    "compose.yaml": COMPOSE["services"]["lossatlas"]["command"],
    "lossatlas.service": shlex.split(re.findall(r"^ExecStart=(.*)$", SERVICE, re.MULTILINE)[0])[2:],
    "nginx.conf": shlex.split(
        re.findall(r"lossatlas serve (.*)$", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)[0]
    ),
    **{
        f"server.md, {line}": shlex.split(line, comments=True)
        for line in re.findall(r"^lossatlas serve (.*)$", (ROOT / "docs" / "server.md").read_text(), re.MULTILINE)
    },
}


@pytest.mark.parametrize("file", COMMANDS)
def test_the_command_takes_these_options(file: str) -> None:
    assert COMMANDS[file]
    context = serve_command.make_context("serve", list(COMMANDS[file]))
    assert context.params["gallery"] is not None


def test_the_docs_describe_every_option_that_concerns_a_shared_server() -> None:
    text = (ROOT / "docs" / "server.md").read_text()
    own = {"--data", "--port", "--browser", "--config", "--threads", "--help"}
    names = {param.opts[0] for param in serve_command.params if isinstance(param, click.Option)} - own
    assert len(names) >= 10
    assert not [name for name in names if f"`{name} " not in text and f"`{name}`" not in text]


def test_the_health_check_of_the_image_recognises_a_server_that_lives(tmp_path: Path) -> None:
    [command] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    _, *arguments = json.loads(command)
    with live_server(Gallery(tmp_path), threads=1) as live:
        check = [sys.executable, *(argument.replace("8642", str(live.port)) for argument in arguments)]
        assert subprocess.run(check, timeout=60).returncode == 0
        live.server.should_exit = True
        live.thread.join(60)
    assert subprocess.run(check, capture_output=True, timeout=60).returncode != 0


def test_the_image_has_what_the_package_needs_and_no_root() -> None:
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    kept = set(re.findall(r"^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert copied == kept == {"pyproject.toml", "README.md", "LICENSE", "src"}
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == re.findall(r"--uid (\d+)", DOCKERFILE)


def test_the_proxy_that_compose_trusts_is_the_gateway_of_its_network() -> None:
    [network] = COMPOSE["networks"]["atlas"]["ipam"]["config"]
    assert f"--trust-proxy={network['gateway']}" in COMPOSE["services"]["lossatlas"]["command"]


def test_systemd_accepts_the_service(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    service = tmp_path / "lossatlas.service"
    service.write_text(SERVICE.replace("/opt/lossatlas/bin/lossatlas", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", service], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
