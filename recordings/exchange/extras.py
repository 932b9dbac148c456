"""Libraries that only some uses need: imported when they are used, with a clear word where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from realtime.errors import ConfigError


def need(module: str, extra: str, what: str) -> Any:
    """Import a module that only some uses need.

    Parameters
    ----------
    extra : str
        Which of the program's extras brings it.
    what : str
        What it is needed for, to begin the message with.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{what} needs {module} ({error}): install it with `pip install 'phosphene[{extra}]'`"
        ) from None
