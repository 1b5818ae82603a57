"""The command-line options for training on points from a file, and the function that makes a dataset from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.errors import ConfigError, DataError, DataWarning

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Each flag, the argument of from_file that it sets, and its help. The flags need --data-file.
_VALUES = (
    (
        "--x",
        "x",
        "COL",
        "Column of the first coordinates: name, or number from 1.  [default: recognised automatically]",
    ),
    ("--y", "y", "COL", "Column of the second coordinates."),
    ("--label", "label", "COL", "Column of the classes."),
    ("--title", "title", "TEXT", "Title of the points.  [default: name of the file]"),
    (
        "--separator",
        "separator",
        "SIGN",
        "Separator between cells; tab is one of them.  [default: recognised automatically]",
    ),
    ("--decimal", "decimal", "WAY", "point is 1,234.5 and comma is 1.234,5.  [default: recognised automatically]"),
    ("--encoding", "encoding", "NAME", "Encoding of the file.  [default: recognised automatically]"),
)
_SWITCHES = (
    ("--header/--no-header", "header", "Whether the first row holds names.  [default: recognised automatically]"),
    ("--join-labels/--no-join-labels", "join", "Labels that differ in case or blanks only are one class."),
    ("--without-outliers/--with-outliers", "without_outliers", "Leave out values that lie far from all others."),
)
_FLAGS = {name: flag.partition("/")[0] for flag, name, *_ in (*_VALUES, *_SWITCHES)}
KEYS = tuple(_FLAGS)


def own_data_options(command: _Command) -> _Command:
    """Add ``--data-file FILE`` and its options to a command, which gets ``data_file`` and a value for each of KEYS."""
    for flag, name, what in reversed(_SWITCHES):
        command = click.option(flag, name, default=None, help=what)(command)
    for flag, name, metavar, what in reversed(_VALUES):
        command = click.option(flag, name, metavar=metavar, help=what)(command)
    what = "Own points: rows of two numbers and a label, as CSV or the like; at most --points of them.  [default: 2000]"
    return click.option("--data-file", metavar="FILE", help=what)(command)


def read_own_dataset(
    data_file: str | None, options: Mapping[str, Any], settings: Mapping[str, Any]
) -> DatasetConfig | None:
    """Read own points from a file.

    Parameters
    ----------
    data_file
        The file, if it is given.
    options
        The values of the options, by :data:`KEYS`.
    settings
        The settings of the dataset in flags and in the configuration file.

    Returns
    -------
    DatasetConfig or None
        The dataset; None if no file is given.

    Raises
    ------
    ConfigError
        If flags contradict each other.
    DataError
        If the file cannot be used.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("separator") in ("tab", "\\t"):
        given["separator"] = "\t"
    if data_file is None:
        for name in given:
            raise ConfigError([(_FLAGS[name], "says how a file of own points is read; name it with --data-file FILE")])
        return None
    for name in ("name", "noise", "own"):
        if name in settings:
            raise ConfigError(
                [("--data-file", f"{data_file} is the dataset, and dataset.{name} says another; leave one out")]
            )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        try:
            dataset = DatasetConfig.from_file(data_file, **{**settings, **given})
        except DataError as error:
            named = data_file in str(error) or not data_file
            raise DataError(str(error) if named else f"{data_file}: {error}") from None
        except ConfigError as error:
            raise ConfigError([(_FLAGS.get(field, f"dataset.{field}"), text) for field, text in error.faults]) from None
    for warning in caught:
        click.echo(f"{data_file}: {warning.message}", err=True)
    if dataset.own:
        counted = zip(dataset.own.classes, dataset.own.counts, strict=True)
        counts = ", ".join(f"{name} {count}" for name, count in counted)
        click.echo(f"{data_file}: {dataset.points} points of {' and '.join(dataset.own.features)}: {counts}", err=True)
    return dataset


def refuse_file_as_name(dataset: str | None) -> None:
    """Refuse the name of a file in place of a dataset, with a message that says how to give a file.

    Raises
    ------
    ConfigError
        If the name looks like the name of a file.
    """
    if dataset is not None and dataset not in SOURCES and any(sign in dataset for sign in "./\\"):
        raise ConfigError(
            [("--dataset", f"there is no dataset {dataset!r}; own points are given by --data-file {dataset}")]
        )
