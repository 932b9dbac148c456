"""A kind of input that is fuzzed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Target(NamedTuple):
    """A kind of input.

    Attributes
    ----------
    seeds : callable
        Makes whole examples in an empty folder.
    read : callable
        Reads bytes, with a folder of its own to put them in; may raise `PhospheneError` and nothing else.
    memory : bool
        Whether what is read may take no more than ten times the input: not where the input is a small record
        of a network, which is as large as it says.
    """

    seeds: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], None]
    memory: bool = True
