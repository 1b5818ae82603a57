"""Runs the examples of recorded models as scripts, with small settings, and checks the runs that they store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from examples.grokking import MODULUS, Transformer, make_sums
from examples.resnet20_skips import ResNet

from lossatlas.store import Gallery, read_manifest, run_folder
from tests.own_models.trainings import run_example


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[list[str], dict[str, dict[str, Any]]]]:
    """Return a function that runs an example: it returns the printed lines, and the manifests of the runs by title."""

    def run(name: str, *options: str) -> tuple[list[str], dict[str, dict[str, Any]]]:
        run_example(monkeypatch, name, "--data", str(tmp_path), "--budget", "0.01", *options)
        gallery = Gallery(tmp_path)
        assert [verdict.fault for verdict in gallery.verify() if verdict.fault] == []
        manifests = [read_manifest(run_folder(tmp_path, run_id)) for run_id in gallery.ids()]
        return capsys.readouterr().out.splitlines(), {manifest["model"]["title"]: manifest for manifest in manifests}

    return run


def test_resnet_20_has_the_parameters_of_the_paper_and_its_skips_have_none() -> None:
    for skips in (True, False):
        model = ResNet(skips=skips)
        assert sum(p.numel() for p in model.parameters()) == 269_722
        assert sum(isinstance(module, torch.nn.Conv2d | torch.nn.Linear) for module in model.modules()) == 20
    assert sum(p.numel() for p in ResNet(56).parameters()) == 853_018
    x = torch.randn(2, 3, 32, 32)
    with_skips, without = ResNet(8).eval(), ResNet(8, skips=False).eval()
    without.load_state_dict(with_skips.state_dict())
    for model in (with_skips, without):
        last = model.get_parameter("blocks.0.norm2.weight")
        torch.nn.init.zeros_(last)  # then the block adds nothing to its skip connection
    start = with_skips.start(x)
    assert torch.equal(with_skips.blocks[0](start), start)
    assert not without.blocks[0](start).any()


def test_resnet_with_and_without_skips_become_two_runs_and_an_address_that_compares_them(
    run: Any, tmp_path: Path
) -> None:
    lines, _ = run("resnet20_skips", "--fast")
    ids = Gallery(tmp_path).ids()
    assert len(ids) == 2
    assert sorted(lines[-1].partition("?")[2].split("&")) == sorted(
        f"{side}=run%3D{run_id}" for side, run_id in zip("ab", sorted(ids, key=lambda i: "without" in i), strict=True)
    )


def test_every_sum_occurs_once_and_the_transformer_gives_logits_for_it() -> None:
    (tokens, labels), (more, others) = make_sums()
    together = torch.cat([tokens, more])
    assert len({tuple(row) for row in together.tolist()}) == MODULUS**2
    assert torch.equal(together[:, :2].sum(dim=1) % MODULUS, torch.cat([labels, others]))
    assert Transformer()(tokens).shape == (480, MODULUS)


def test_grokking_is_recorded_every_few_steps_with_its_curvature(run: Any) -> None:
    small = ["--steps", "6", "--every", "1", "--samples", "16", "--curvature", "2"]
    lines, manifests = run("grokking", *small)
    [manifest] = manifests.values()
    assert manifest["frames"] == list(range(7))
    assert manifest["curvature"]["frames"] == [0, 6]
    assert manifest["curvature"]["largest"][-1] > 0
    assert [plane["name"] for plane in manifest["planes"]] == ["pca", "gaussian-filter", "hessian"]
    assert len(lines) == 7
