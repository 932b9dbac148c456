"""The configuration of a part of the network: its word, its settings, and the class that builds it.

A part is written as its word (`"gru"`), or as a table with the word under `kind` (`{"kind": "gru", "layers":
2}`). The words are found by class: to add a kind of encoder, mixer or fusion, write one file with its module
and a subclass of the configuration in `models.network.interfaces` that carries its `kind` and its `build`.
Once that file is imported, the word can be used like any other:

    class MyConfig(EegConfig):
        kind: Literal["mine"] = "mine"

        def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
            return MyEncoder(self, labels, grid)

    preset("demo", {"eeg": "mine"})
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from realtime.config import Frozen


class PartConfig(Frozen):
    """What every kind of part has: the word that chooses it."""

    kind: str

    @classmethod
    def words(cls) -> dict[str, type[PartConfig]]:
        """Every word of this kind of part, and the configuration it means."""
        found: dict[str, type[PartConfig]] = {}
        for kind in cls.__subclasses__():
            found |= dict.fromkeys(get_args(kind.model_fields["kind"].annotation), kind)
            found |= kind.words()
        return found

    @classmethod
    def read(cls, value: Any) -> Any:
        """Read a word or a table as the configuration it means; others are handed on for pydantic to judge.

        Raises
        ------
        PydanticCustomError
            `unknown_word`, or `part` with the errors of the part's own fields.
        """
        table = as_table(value)
        if not isinstance(table, dict):
            return value
        words, word = cls.words(), table.get("kind")
        if word not in words:
            legal = ", ".join(repr(each) for each in sorted(words))
            raise PydanticCustomError("unknown_word", "{word} is unknown: legal are {legal}", {
                "word": repr(word), "legal": legal,
            })  # fmt: skip
        try:
            return words[word].model_validate(table)
        except ValidationError as error:
            raise PydanticCustomError("part", "{kind}", {"kind": word, "errors": error.errors()}) from None


def as_table(value: Any) -> Any:
    """Read a part's word as a table; what follows a colon names the model (`braindecode:Labram`)."""
    if not isinstance(value, str):
        return value
    kind, _, model = value.partition(":")
    return {"kind": kind, "model": model} if model else {"kind": kind}
