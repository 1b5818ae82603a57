"""The base of every configuration: frozen, strict about names, and with errors for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from lossatlas.errors import ConfigError

Seed = Annotated[int, Field(ge=0, lt=2**53, description="any whole number from 0; exact in JSON")]


#: A name or an index in the path of a fault; the members of a union are in it too, and say nothing to people.
_FIELD = re.compile(r"\w+")
#: What to give instead, by pydantic's type of fault; its own words serve for the others.
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
    """One part of a configuration. Instances are immutable and hashable; unknown names are refused.

    Raises
    ------
    ConfigError
        From every way to make one, naming each field at fault and what it takes.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, use_attribute_docstrings=True
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise explain_faults(error, type(self)) from None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any] | Self) -> Self:
        """Read from plain data, as JSON or TOML give it; what is not named takes its default.

        A configuration of this kind is given back as it is, and anything else is refused by name.
        """
        if not isinstance(values, Mapping | cls):
            fault = f"{_shorten(values)} is not allowed: give a {cls.__name__}, or its settings as a dict"
            raise ConfigError([("", fault)])
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise explain_faults(error, cls) from None

    def with_values(self, **values: Any) -> Self:
        """Copy with these fields changed, and validated."""
        return self.from_mapping({**self.model_dump(), **values})


def explain_faults(error: ValidationError, model: type[Config]) -> ConfigError:
    """Turn pydantic's report on ``model`` into a ConfigError that names each field, its value and what is allowed."""
    faults: list[tuple[str, str]] = []
    refused: dict[str, tuple[object, list[str]]] = {}  # by field, as a union reports each of its members
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"] if _FIELD.fullmatch(str(part)))
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, ConfigError):  # from a part: its own faults, seen from the whole
            faults += [(".".join(filter(None, (field, inner))), message) for inner, message in cause.faults]
        elif fault["type"] == "unknown_kind":  # of one of several parts told apart by their kind
            given = fault["input"]
            if isinstance(given, Mapping):
                refused[f"{field}.kind"] = (given.get("kind"), [fault["msg"]])
            else:
                refused[field] = (given, ["give its settings, as in {kind: ...}"])
        elif fault["type"] == "extra_forbidden":
            faults.append((field, _unknown(model, fault["loc"])))
        elif fault["type"] in {"missing", "value_error"}:
            faults.append((field, fault["msg"].removeprefix("Value error, ")))
        else:
            refused.setdefault(field, (fault["input"], []))[1].append(_say_what_is_allowed(fault))
    faults += [
        (field, f"{_shorten(value)} is not allowed: {' or '.join(allowed)}")
        for field, (value, allowed) in refused.items()
    ]
    # a list whose item is at fault is also reported as too short: the item says it better
    return ConfigError([fault for fault in faults if not any(f.startswith(f"{fault[0]}.") for f, _ in faults)])


def _unknown(model: type[Config], place: tuple[int | str, ...]) -> str:
    """What to write in place of a setting that does not exist: another name, or another part of the configuration."""
    part = _part_at(model, place[:-1])
    name = str(place[-1])
    inside = [
        section for section in part.model_fields if any(name in each.model_fields for each in _parts(part, section))
    ]
    if inside:
        where = " or ".join(inside)
        return f"there is no such setting here; {where} has one: in TOML, write it below a line [{inside[0]}]"
    close = get_close_matches(name, part.model_fields, 1)
    meant = f"; did you mean {close[0]}?" if close else ";"
    return f"there is no such setting{meant} there are {', '.join(part.model_fields)}".replace("? there", "? There")


def _part_at(model: type[Config], place: tuple[int | str, ...]) -> type[Config]:
    """The part of a configuration in which a fault lies; of the kinds of a plane, the one that its tag names."""
    for step in place:
        if step in model.model_fields:
            kinds = list(_parts(model, str(step)))
            tags = [f"({each.model_fields['kind'].default})" if "kind" in each.model_fields else "" for each in kinds]
            tagged = [kind for kind, tag in zip(kinds, tags, strict=True) if tag in place]
            model = next(iter(tagged or kinds), model)
    return model


def _parts(model: type[Config], field: str) -> Iterator[type[Config]]:
    """The kinds of configuration that a field may hold."""
    annotations: list[Any] = [model.model_fields[field].annotation]
    while annotations:
        annotation = annotations.pop()
        if isinstance(annotation, type) and issubclass(annotation, Config):
            yield annotation
        annotations += get_args(annotation)


def _say_what_is_allowed(fault: ErrorDetails) -> str:
    message = _ALLOWED.get(fault["type"], fault["msg"][0].lower() + fault["msg"][1:])
    bounds = {name: f"{value:g}" if isinstance(value, float) else value for name, value in fault.get("ctx", {}).items()}
    return message.format(**bounds)


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
