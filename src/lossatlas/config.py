"""The base of every configuration: frozen, strict about names, and with errors for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lossatlas.errors import ConfigError

Seed = Annotated[int, Field(ge=0, lt=2**53, description="any whole number from 0; exact in JSON")]


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
            raise explained(error) from None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Read from plain data, as JSON or TOML give it; what is not named takes its default."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise explained(error) from None

    def with_values(self, **values: Any) -> Self:
        """Copy with these fields changed, and validated."""
        return self.from_mapping({**self.model_dump(), **values})


def explained(error: ValidationError) -> ConfigError:
    """Turn pydantic's report into a ConfigError that names each field, its value and what is allowed."""
    faults: list[tuple[str, str]] = []
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"])
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, ConfigError):  # from a part: its own faults, seen from the whole
            faults += [(".".join(filter(None, (field, inner))), message) for inner, message in cause.faults]
            continue
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting"
        elif fault["type"] not in {"missing", "value_error"}:
            message = f"{_shown(fault['input'])} is not allowed: {message[0].lower()}{message[1:]}"
        faults.append((field, message))
    # a list whose item is at fault is also reported as too short: the item says it better
    return ConfigError([fault for fault in faults if not any(f.startswith(f"{fault[0]}.") for f, _ in faults)])


def _shown(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
