"""Settings of a task on a model card: from its table to a dataclass with types."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.errors import WeightsError
from models.cards import ModelCard

Settings = TypeVar("Settings")


def read_settings(card: ModelCard, kind: type[Settings], table: str = "settings") -> Settings:
    """A table of a card as `kind`, a dataclass whose fields are the table's keys.

    Raises:
        WeightsError: If one is missing, unknown, of another type, or refused by `kind`.
    """
    try:
        return filled(kind, getattr(card, table))
    except (TypeError, ValueError) as err:
        raise WeightsError(
            f"The {table} on the model card {card.task}/{card.name}.toml do not fit a model of "
            f"the role “{card.role}” ({err}). Correct the table [{table}]."
        ) from err


def filled(kind: type[Settings], table: Mapping[str, Any]) -> Settings:
    """A table as a dataclass whose fields are its keys.

    Raises:
        TypeError: If a key is unknown or a value of another type.
        ValueError: If `kind` refuses it.
    """
    hints = get_type_hints(kind)
    if unknown := set(table) - set(hints):
        raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
    return kind(**{name: _as(hints[name], value, name) for name, value in table.items()})


def _as(kind: Any, value: Any, name: str) -> Any:
    """A value of a TOML table as the type of a field."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (kind,) = (one for one in inner if one is not types.NoneType)
        return _as(kind, value, name)
    if isinstance(value, dict):
        if is_dataclass(kind) and isinstance(kind, type):
            return filled(kind, value)
        if origin is Mapping:
            return {key: _as(inner[1], one, f"{name}.{key}") for key, one in value.items()}
    if isinstance(value, list) and origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) == len(value):
            return tuple(_as(one, part, name) for one, part in zip(kinds, value, strict=True))
    if kind is float and type(value) is int:
        return float(value)
    if isinstance(kind, type) and origin is None and type(value) is kind:
        return value
    raise TypeError(f"{name} = {value!r} is of another type")
