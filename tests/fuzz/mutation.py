"""Mutants of whole examples: bits, bytes, lengths, numbers, pieces cut out, doubled, put elsewhere or joined.

Of a JSON example every second mutant is JSON still, with other values here and there.
"""

from __future__ import annotations

import copy
import json
import math
import random
from typing import Any

_EDGES = (
    b"\0",
    b"\xff",
    b"\xff" * 4,
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"nan",
    b"1e999",
    b"-1",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"99999999",
)
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 10**9, 1e-9, 1e300, math.nan, math.inf,
    "", "x", "../../x", "\ud800", [], {}, [1, [2]],
)  # fmt: skip


def mutated(seeds: list[bytes], dice: random.Random) -> bytes:
    """Make one input of the examples."""
    chosen = dice.choice(seeds)
    if chosen[:1] in b"{[" and dice.random() < 0.5:
        return _other_json(json.loads(chosen), dice)
    data = bytearray(chosen)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at, n = dice.randrange(len(data) + 1), dice.choice((1, 1, 2, 4, 8, 16, 64))
        way = dice.randrange(7)
        if way == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << dice.randrange(8)
        elif way == 1:
            data[at : at + n] = dice.randbytes(n)
        elif way == 2:
            del data[at : at + n]
        elif way == 3:
            data[at:at] = data[at : at + n]
        elif way == 4:
            edge = dice.choice(_EDGES)
            data[at : at + len(edge)] = edge
        elif way == 5:
            data = data[:at]
        else:
            other = dice.choice(seeds)
            cut = dice.randrange(len(other) + 1)
            data[at : at + n] = other[cut : cut + n]
    return bytes(data)


def _other_json(tree: Any, dice: random.Random) -> bytes:
    """Change one to three values of a tree, or take them away, or put them in each other's place."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = dice.choice(places)
        way = dice.randrange(4)
        if way == 0:
            del holder[key]
        elif way == 1:
            other, at = dice.choice(places)
            holder[key] = copy.deepcopy(other[at])
        else:
            holder[key] = copy.deepcopy(dice.choice(_VALUES))
    return json.dumps(tree).encode()


def _places(tree: Any) -> Any:
    """Yield (mapping or list, key) of every value below `tree`."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from _places(tree[key])
