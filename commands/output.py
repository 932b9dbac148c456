"""What verbs print for programs, and how a wrong value is put in words."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pydantic import ValidationError


def print_json(value: Any) -> None:
    """Print a value as strict JSON on standard output.

    A number that is infinite or not a number is printed as null. Where `value` is a mapping its `warnings`
    name each such place that no warning names yet.
    """
    unknown: list[str] = []
    told = _plain(value, "", unknown)
    if isinstance(told, dict) and unknown:
        warnings = told.setdefault("warnings", [])
        warnings += [f"{place} is null: it is not known" for place in unknown]
    sys.stdout.write(json.dumps(told, indent=2, allow_nan=False) + "\n")


def tell(words: str) -> None:
    """Print a line on standard error."""
    typer.echo(words, err=True)


def in_words(
    error: ValidationError, option: Callable[[str], str] = lambda name: f"--{name.replace('_', '-')} "
) -> str:
    """Put what pydantic found wrong into one line: each option, its value, and what is asked of it.

    Parameters
    ----------
    error : pydantic.ValidationError
    option : callable
        Given a field's name, returns how a user writes it, up to its value.
    """
    told = []
    for each in error.errors():
        field = str(each["loc"][0]) if each["loc"] else ""
        place = f"{option(field)}{each['input']}: " if field else ""
        told.append(
            place + str(each["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
        )
    return "; ".join(told)


def _plain(value: Any, place: str, unknown: list[str]) -> Any:
    """Return the value in JSON's own types; add places of numbers that JSON lacks to `unknown`."""
    if isinstance(value, Mapping):
        return {
            str(key): _plain(each, f"{place}.{key}" if place else str(key), unknown)
            for key, each in value.items()
        }
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value), place, unknown)
    if hasattr(value, "tolist"):  # a number or an array of numpy
        return _plain(value.tolist(), place, unknown)
    if isinstance(value, float) and not math.isfinite(value):
        unknown.append(place)
        return None
    if isinstance(value, Enum):
        return _plain(value.value, place, unknown)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each, f"{place}[{number}]", unknown) for number, each in enumerate(value)]
    return value if value is None or isinstance(value, str | int | float) else str(value)
