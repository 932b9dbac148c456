"""Options in groups that several verbs share: a dataclass stands for them in the code and in the help."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, ClassVar, Protocol, get_args, get_type_hints


class Group(Protocol):
    """A dataclass of options: each field is `Annotated[type, typer.Option(...)]` and has a default.

    Attributes
    ----------
    PANEL : str
        Heading over these options in a verb's help.
    """

    PANEL: ClassVar[str]


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Give typer the single options of a verb's groups, and the verb the groups.

    Parameters
    ----------
    verb : callable
        Parameters whose type is a `Group` are expanded in their place; the others stay as they are.

    Returns
    -------
    callable
        With keyword-only parameters, as `inspect.signature` tells them.

    Raises
    ------
    ValueError
        An option stands in two groups.
    """
    signature = inspect.signature(verb, eval_str=True)
    groups: dict[str, Any] = {
        p.name: p.annotation for p in signature.parameters.values() if is_dataclass(p.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name in groups:
            parameters += _options(groups[parameter.name])
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(verb)
    def expanded(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        verb(**given)

    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return expanded


def given_options(group: Any) -> dict[str, Any]:
    """Those options of a group that the user gave, by name: their defaults are known elsewhere."""
    values = ((field.name, getattr(group, field.name)) for field in fields(group))
    return {name: value for name, value in values if value is not None}


def _options(group: Any) -> list[inspect.Parameter]:
    """One parameter for each field, under the group's heading."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=_under(group.PANEL, hints[field.name]),
        )
        for field in fields(group)
    ]


def _under(panel: str, annotation: Any) -> Any:
    """Return the annotation with the option's heading set, unless it has one of its own."""
    kind, option, *_ = get_args(annotation)
    option = copy(option)
    option.rich_help_panel = option.rich_help_panel or panel
    return Annotated[kind, option]
