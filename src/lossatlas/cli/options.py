"""The command-line options that several commands share, and the function that makes a configuration from them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.errors import ConfigError, DataError, RunNotFoundError
from lossatlas.input_files import read_file
from lossatlas.networks import ACTIVATIONS
from lossatlas.planes import KINDS
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery, default_data_folder
from lossatlas.training import OPTIMIZERS

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_option(command: _Command) -> _Command:
    """Add the option ``--data DIR`` to a command, which gets a ``gallery``."""
    return click.option(
        "--data",
        "gallery",
        metavar="DIR",
        default=default_data_folder,
        envvar="LOSSATLAS_DATA",
        show_envvar=True,
        callback=lambda _context, _option, value: Gallery(value),
        help="Folder of runs.  [default: a folder of yours that this system keeps for lossatlas]",
    )(command)


def find_run(gallery: Gallery, beginning: str) -> str:
    """Find the id of the only run that has this id, or whose id begins with this text.

    Returns
    -------
    str
        The id.

    Raises
    ------
    RunNotFoundError
        If there is no such run, or there are several.
    """
    ids = gallery.ids()
    matches = [beginning] if beginning in ids else [run_id for run_id in ids if run_id.startswith(beginning)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise RunNotFoundError(f"{beginning!r} is the beginning of {len(matches)} runs: {', '.join(matches[:5])}, …")
    raise RunNotFoundError(f"no run in {gallery.data} begins with {beginning!r}; `lossatlas list` shows them")


def refuse_workers_of_cluster(address: str | None, workers: int | None) -> None:
    """Refuse ``--workers`` together with ``--cluster``."""
    if address and workers:
        raise click.UsageError("--workers is for processes on this machine; a --cluster has its own workers")


def read_number(text: str) -> int | float | str:
    """Read a number. Other text is returned unchanged, so that the configuration refuses it with a message."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_numbers(text: str) -> list[int | float | str]:
    """Read numbers that commas separate. Other text is returned unchanged."""
    return [read_number(part) for part in text.replace("x", ",").split(",") if part.strip()]


def read_hidden_layers(text: str) -> list[int | float | str]:
    """Read ``16,16`` or ``16x16`` as a list, and ``none`` as an empty list. The configuration refuses wrong sizes."""
    return [] if text.strip().lower() == "none" else read_numbers(text) or [text]


@dataclass(frozen=True)
class Setting:
    """A flag and the field that it sets. A switch is a flag without a value, and ``--no-…`` turns it off."""

    flag: str
    field: tuple[str, ...]
    what: str
    read: Callable[[str], Any] = str
    switch: bool = False

    @property
    def key(self) -> str:
        """The name of the argument in which click passes the value."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def off(self) -> str:
        """The flag that turns a switch off."""
        return f"--no-{self.flag.lstrip('-')}"


_DATASETS, _ACTIVATIONS, _OPTIMIZERS = (", ".join(names) for names in (SOURCES, ACTIVATIONS, OPTIMIZERS))
MODEL_SETTINGS = (
    Setting("--dataset", ("dataset", "name"), f"One of {_DATASETS}."),
    Setting("--hidden", ("model", "hidden"), "Widths of the hidden layers, as 16,16; or none.", read_hidden_layers),
)
SETTINGS = (
    Setting("--activation", ("model", "activation"), f"One of {_ACTIVATIONS}."),
    Setting("--residual", ("model", "residual"), "Skips between hidden layers of equal width, or none.", switch=True),
    Setting("--points", ("dataset", "points"), "Points, train and test together.", read_number),
    Setting("--noise", ("dataset", "noise"), "Spread of the points; left out, the dataset's own.", read_number),
    Setting("--test-fraction", ("dataset", "test_fraction"), "Share of the points kept for testing.", read_number),
    Setting("--data-seed", ("dataset", "seed"), "Seed of the points and of the split.", read_number),
    Setting("--optimizer", ("training", "optimizer"), f"One of {_OPTIMIZERS}."),
    Setting("--learning-rate", ("training", "learning_rate"), "Step size.", read_number),
    Setting("--momentum", ("training", "momentum"), "Momentum of the optimizers momentum and nesterov.", read_number),
    Setting("--batch-size", ("training", "batch_size"), "Points per step, or full.", read_number),
    Setting("--weight-decay", ("training", "weight_decay"), "Factor of the L2 penalty.", read_number),
    Setting("--epochs", ("training", "epochs"), "How often training sees every point.", read_number),
    Setting("--frames", ("training", "frames"), "Largest number of epochs to record.", read_number),
    Setting("--seed", ("training", "seed"), "Seed of the initial weights and of the batches.", read_number),
    Setting("--plane-seed", ("planes", "seed"), "Seed of random directions.", read_number),
    Setting(
        "--spans",
        ("planes", "spans"),
        "Zooms of the first plane, as 1,0.1,0.01; the first is shown first.",
        read_numbers,
    ),
    Setting("--grid", ("planes", "grid"), "Samples along each axis of every surface; odd.", read_number),
    Setting(
        "--curvature", ("curvature", "frames"), "At how many frames to measure the Hessian; 0 for none.", read_number
    ),
    Setting("--resolution", ("boundary", "resolution"), "Samples along each axis of the boundary.", read_number),
    Setting("--margin", ("boundary", "margin"), "Margin around the data, as a share of its extent.", read_number),
)


#: The names that ``--plane`` takes, and their settings. After a colon, ``through`` takes points and ``file`` a path.
PLANES: dict[str, dict[str, Any]] = {
    "fresh": {},
    "fresh-layer": {"kind": "fresh", "normalization": "layer", "moving": False},
    "fresh-filter": {"kind": "fresh", "normalization": "filter", "moving": False},
    "gaussian": {"kind": "gaussian", "moving": False},
    "gaussian-layer": {"kind": "gaussian", "normalization": "layer", "moving": False},
    "gaussian-filter": {"kind": "gaussian", "normalization": "filter", "moving": False},
    "pca": {"kind": "pca"},
    "hessian": {"kind": "hessian"},
    "hessian-largest": {"kind": "hessian", "eigenvalues": "largest"},
    "through": {"kind": "through"},
    "file": {"kind": "file"},
}
_DEFAULT_PLANES = ("fresh", "gaussian-filter", "pca", "hessian")


def plane_option(command: _Command) -> _Command:
    """Add the option ``--plane NAME`` to a command, which gets ``planes``. The option can be repeated."""
    return click.option(
        "--plane",
        "planes",
        multiple=True,
        metavar="NAME",
        help=f"Repeat it for each of: {', '.join(PLANES)}; as through:end,start,run:ID and file:vectors.npy.  "
        f"[default: {', '.join(_DEFAULT_PLANES)}]",
    )(command)


def _read_plane(text: str) -> dict[str, Any]:
    name, _, rest = text.partition(":")
    if name not in PLANES or (bool(rest) and name not in ("through", "file")):
        raise ConfigError([("--plane", f"there is no plane {text!r}; there are {', '.join(PLANES)}")])
    if name == "file":
        return {**PLANES[name], "file": rest}
    return {**PLANES[name], **({"points": rest.split(",")} if rest else {})}


def read_planes(names: tuple[str, ...], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the values of ``--plane``, and give the settings that are not None to the planes that have them."""
    planes = [_read_plane(text) for text in names]
    for plane in planes:
        known = KINDS[plane.get("kind", "fresh")].model_fields
        plane |= {key: value for key, value in settings.items() if value is not None and key in known}
    return planes


def config_options(*settings: Setting) -> Callable[[_Command], _Command]:
    """Make a decorator that adds ``--config FILE`` and a flag for each setting; :func:`read_config` reads them."""
    precedence = "; flags go before it" if settings else ""

    def add(command: _Command) -> _Command:
        for setting in reversed(settings):
            what = f"{setting.what}{_describe_default(setting)}"
            if setting.switch:
                command = click.option(f"{setting.flag}/{setting.off}", setting.key, default=None, help=what)(command)
            else:
                command = click.option(setting.flag, setting.key, metavar="VALUE", help=what)(command)
        return click.option("--config", "config_file", metavar="FILE", help=f"TOML file of settings{precedence}.")(
            command
        )

    return add


def _describe_default(setting: Setting) -> str:
    section, key = setting.field
    if setting.field == ("dataset", "noise"):
        return ""
    part = RunConfig().planes[0] if section == "planes" else getattr(RunConfig(), section)
    value = getattr(part, key)
    shown = ",".join(f"{number:g}" for number in value) if isinstance(value, tuple) else value
    if setting.switch:
        shown = (setting.flag if value else setting.off).lstrip("-")
    return f"  [default: {shown}]"


def read_config(
    config_file: str | None,
    flags: Mapping[str, str | bool | None],
    planes: tuple[str, ...] = (),
    own: Callable[[Mapping[str, Any]], DatasetConfig | None] = lambda _settings: None,
) -> RunConfig:
    """Make a configuration from a file, flags, and the names of planes. Flags override the file.

    Parameters
    ----------
    config_file
        The TOML file with settings, if there is one.
    flags
        The values of the flags, by :attr:`Setting.key`.
    planes
        The values of ``--plane``.
    own
        A function that returns own points, or None, given the settings of the dataset.

    Returns
    -------
    RunConfig
        The configuration.

    Raises
    ------
    ConfigError
        If a setting is not valid. The message names the flag at fault, or the file and the field.
    """
    values = {} if config_file is None else _read_toml(config_file)
    if planes:
        values["planes"] = [_read_plane(text) for text in planes]
    by_field: dict[str, str] = {}
    for setting in (*MODEL_SETTINGS, *SETTINGS):
        given = flags.get(setting.key)
        if given is None:
            continue
        section, key = setting.field
        by_field[f"{section}.{key}"] = setting.flag
        for target in _find_planes(values, key) if section == "planes" else [values.setdefault(section, {})]:
            if isinstance(target, dict):
                target[key] = setting.read(given) if isinstance(given, str) else given
    try:
        settings = values.get("dataset", {})
        if dataset := own(settings if isinstance(settings, dict) else {}):
            values["dataset"] = dataset
        return RunConfig.from_mapping(values)
    except ConfigError as error:
        raise ConfigError(_name_flags(error, by_field, config_file)) from None


def _find_planes(values: dict[str, Any], key: str) -> list[Any]:
    """Return the planes in which a flag sets a field: spans in the first plane, others in all planes that have it."""
    planes = values.setdefault("planes", [dict(PLANES[name]) for name in _DEFAULT_PLANES])
    if not isinstance(planes, list):
        return []
    if key == "spans":
        return planes[:1]
    return [
        plane
        for plane in planes
        if isinstance(plane, dict) and key in getattr(KINDS.get(plane.get("kind", "fresh")), "model_fields", {})
    ]


def _read_toml(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(read_file(path).decode("utf-8-sig"))  # some editors write a byte-order mark
    except DataError as error:
        raise ConfigError([("", str(error))]) from None
    except UnicodeDecodeError:
        raise ConfigError([("", f"{path} is not TOML (it is not UTF-8 text): save it as UTF-8")]) from None
    except (ValueError, RecursionError) as error:  # the text is not UTF-8, or it is not TOML
        raise ConfigError([("", f"{path} is not TOML ({error}); see `lossatlas train --help`")]) from None


def _name_flags(error: ConfigError, by_field: dict[str, str], config_file: str | None) -> list[tuple[str, str]]:
    """Name each fault by the flag that set the field, or by the file."""
    faults = []
    for field, message in error.faults:
        name = re.sub(r"^planes\.\d+\.", "planes.", field)
        flag = next((flag for key, flag in by_field.items() if name == key or name.startswith(f"{key}.")), None)
        if flag is None and "." not in name:  # the fault concerns a whole part: name all flags of the part
            flag = ", ".join(flag for key, flag in by_field.items() if key.startswith(f"{name}.")) or None
        faults.append((flag or (f"{config_file}: {field}" if config_file else field), message))
    return list(dict.fromkeys(faults))  # one flag may have set a field of several planes
