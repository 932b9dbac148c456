"""What is asked before a model of the person who sits there is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PersonForm:
    """What is asked before a model of the person who sits there is made.

    Attributes
    ----------
    seconds : float
        To record.
    out : Path
        The model's folder.
    sub : str
        Whose recording it is; empty for nobody's.
    parent : Path or None
        A model to learn on from.
    """

    seconds: float = 120.0
    out: Path = Path("models/person")
    sub: str = ""
    parent: Path | None = None
