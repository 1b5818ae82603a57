"""The base class of every configuration. It is immutable, it refuses unknown names, and its errors help people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from lossatlas.errors import ConfigError

Seed = Annotated[int, Field(ge=0, lt=2**53, description="any whole number from 0; exact in JSON")]


#: A name or an index in the path of a fault. The path also contains members of a union, which do not match: people do
#: not know them.
_FIELD = re.compile(r"\w+")
#: How many of pydantic's faults are explained, since a small text may have thousands; and the longest path of a fault.
_MOST_TOLD, _LONGEST_FIELD = 40, 200
#: What to give instead, by pydantic's type of fault. For all other types, pydantic's own message is used.
_ALLOWED = {
    "greater_than": "give a number above {gt}",
    "greater_than_equal": "give {ge} or more",
    "less_than": "give a number below {lt}",
    "less_than_equal": "give {le} or less",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "int_type": "give a whole number",
    "float_parsing": "give a number",
    "float_type": "give a number",
    "bool_parsing": "give true or false",
    "bool_type": "give true or false",
    "finite_number": "give a finite number",
    "literal_error": "give {expected}",
    "string_type": "give text",
    "tuple_type": "give a list, as in [1, 2]",
    "model_type": "give its settings by name",
    "model_attributes_type": "give its settings by name",
    "too_short": "give {min_length} or more of them",
    "string_too_short": "give a text that is not empty",
    "string_pattern_mismatch": "give text of the form {pattern}",
}


class Config(BaseModel):
    """One part of a configuration. Instances are immutable and hashable, and unknown names are refused.

    Raises
    ------
    ConfigError
        If a value is not valid. Every way to make a configuration raises it. The message names each field at fault
        and the values that it takes.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, use_attribute_docstrings=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_conversions(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would convert: true or text in place of a number, a number or text in place of true."""
        several = value if isinstance(value, list | tuple) else (value,)
        kinds = _find_kinds(cls, str(info.field_name))
        if not kinds:
            return value
        if bool in kinds and any(
            isinstance(each, int | float | str) and not isinstance(each, bool) for each in several
        ):
            raise ValueError(f"{_shorten(value)} is not allowed: give true or false")
        if bool not in kinds and any(isinstance(each, bool) or _is_number_as_text(each) for each in several):
            raise ValueError(f"{_shorten(value)} is not allowed: give a number")
        return value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise explain_faults(error, type(self)) from None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any] | Self) -> Self:
        """Make a configuration from plain data, such as parsed JSON or TOML. Missing settings take their defaults.

        Parameters
        ----------
        values
            The settings by name, or a configuration of this class.

        Returns
        -------
        Self
            The configuration. A configuration of this class is returned unchanged.

        Raises
        ------
        ConfigError
            If a value is not valid, or ``values`` is neither a mapping nor a configuration of this class.
        """
        if not isinstance(values, Mapping | cls):
            fault = f"{_shorten(values)} is not allowed: give a {cls.__name__}, or its settings as a dict"
            raise ConfigError([("", fault)])
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            explained = explain_faults(error, cls)
            raise explained from None

    def with_values(self, **values: Any) -> Self:
        """Return a copy in which these fields are changed and validated."""
        return self.from_mapping({**self.model_dump(), **values})


@cache
def _find_kinds(model: type[Config], field: str) -> set[Any]:
    """Return the types of the values that a field takes, if they are numbers or truth values; else nothing."""
    kinds: set[Any] = set()
    annotations: list[Any] = [model.model_fields[field].annotation]
    while annotations:
        annotation = annotations.pop()
        kinds.add(annotation)
        annotations += get_args(annotation)
    return kinds & {bool, int, float} if str not in kinds else set()


def _is_number_as_text(value: Any) -> bool:
    """Return whether a value is a text that pydantic would read as a number."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def explain_faults(error: ValidationError, model: type[Config]) -> ConfigError:
    """Turn pydantic's report on ``model`` into a ConfigError that names each field, its value and what is allowed."""
    faults: list[tuple[str, str]] = []
    refused: dict[str, tuple[object, list[str]]] = {}  # by field, because a union reports a fault for each member
    found = error.errors(include_url=False)
    for fault in found[:_MOST_TOLD]:
        field = ".".join(str(part) for part in fault["loc"] if _FIELD.fullmatch(str(part)))
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, ConfigError):  # a part reports its own faults: make their paths start at the whole
            faults += [(".".join(filter(None, (field, inner))), message) for inner, message in cause.faults]
        elif fault["type"] == "unknown_kind":  # the part is a union whose members differ by their `kind`
            given = fault["input"]
            if isinstance(given, Mapping):
                refused[f"{field}.kind"] = (given.get("kind"), [fault["msg"]])
            else:
                refused[field] = (given, ["give its settings, as in {kind: ...}"])
        elif fault["type"] == "extra_forbidden":
            faults.append((field, _describe_unknown(model, fault["loc"])))
        elif fault["type"] in {"missing", "value_error"}:
            faults.append((field, fault["msg"].removeprefix("Value error, ")))
        else:
            refused.setdefault(field, (fault["input"], []))[1].append(_describe_allowed(fault))
    faults += [
        (field, f"{_shorten(value)} is not allowed: {' or '.join(allowed)}")
        for field, (value, allowed) in refused.items()
    ]
    # A list with a faulty item is also reported as too short. The fault of the item is the useful one.
    above = {".".join(parts[:end]) for parts in (field.split(".") for field, _ in faults) for end in range(len(parts))}
    shown = [(field[:_LONGEST_FIELD], message) for field, message in faults if field not in above - {""}]
    if len(found) > _MOST_TOLD:
        shown.append(("", f"there are {len(found) - _MOST_TOLD} more faults"))
    return ConfigError(shown)


def _describe_unknown(model: type[Config], place: tuple[int | str, ...]) -> str:
    """Say that a setting does not exist, and suggest another name or another part of the configuration."""
    part = _find_part(model, place[:-1])
    name = str(place[-1])
    inside = [
        section
        for section in part.model_fields
        if any(name in each.model_fields for each in _iterate_parts(part, section))
    ]
    if inside:
        where = " or ".join(inside)
        return f"there is no such setting here; {where} has one: in TOML, write it below a line [{inside[0]}]"
    close = get_close_matches(name, part.model_fields, 1)
    meant = f"; did you mean {close[0]}?" if close else ";"
    return f"there is no such setting{meant} there are {', '.join(part.model_fields)}".replace("? there", "? There")


def _find_part(model: type[Config], place: tuple[int | str, ...]) -> type[Config]:
    """Return the part of a configuration that contains a fault. The tag of a plane selects one of its kinds."""
    for step in place:
        if step in model.model_fields:
            kinds = list(_iterate_parts(model, str(step)))
            tags = [f"({each.model_fields['kind'].default})" if "kind" in each.model_fields else "" for each in kinds]
            tagged = [kind for kind, tag in zip(kinds, tags, strict=True) if tag in place]
            model = next(iter(tagged or kinds), model)
    return model


def _iterate_parts(model: type[Config], field: str) -> Iterator[type[Config]]:
    """Yield the classes of configurations that a field may hold."""
    annotations: list[Any] = [model.model_fields[field].annotation]
    while annotations:
        annotation = annotations.pop()
        if isinstance(annotation, type) and issubclass(annotation, Config):
            yield annotation
        annotations += get_args(annotation)


def _describe_allowed(fault: ErrorDetails) -> str:
    message = _ALLOWED.get(fault["type"], fault["msg"][0].lower() + fault["msg"][1:])
    bounds = {name: f"{value:g}" if isinstance(value, float) else value for name, value in fault.get("ctx", {}).items()}
    return message.format(**bounds)


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
