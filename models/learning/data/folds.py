"""Ways to split sessions into what is learned from, watched and judged. Never shuffled windows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.learning.data.dataset import Recordings, Span
from realtime.errors import ConfigError

_BLOCKS = re.compile(r"(\d+) blocks?")
_GROUP = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


@dataclass(frozen=True)
class Fold:
    """What is learned from, and what is judged."""

    name: str
    train: tuple[Span, ...]
    test: tuple[Span, ...]


def folds_of(recordings: Recordings, how: str = "runs") -> list[Fold]:
    """Split sessions.

    Parameters
    ----------
    how : str
        `runs`: each session left out in turn. `5 blocks`: each session in so many parts, each left out in
        turn, one window away from what is learned from. Or groups of sessions by number, counted from 1, such
        as `1-6/7-11`: each group left out in turn (across days, or people).

    Raises
    ------
    ConfigError
        It is none of these, names a session that is not there, or leaves nothing to learn from.
    """
    n = len(recordings.tables)
    groups = groups_of(how, n)
    if groups is None:
        folds = _by_blocks(recordings, int(how.split()[0]))
    else:
        folds = [_by_group(recordings, group) for group in groups]
    if not all(fold.train and fold.test for fold in folds):
        raise _nothing_left(how, n)
    return folds


def groups_of(how: str, n: int) -> list[list[int]] | None:
    """Return which of n sessions, counted from 0, each fold leaves out; None for blocks of all of them.

    Raises
    ------
    ConfigError
        As `folds_of`, as far as it can be told before anything is read.
    """
    if _BLOCKS.fullmatch(how):
        return None
    groups = [[i] for i in range(n)] if how == "runs" else _groups(how, n)
    if any(len(set(group)) == n for group in groups):
        raise _nothing_left(how, n)
    return groups


def _nothing_left(how: str, n: int) -> ConfigError:
    return ConfigError(f"folds {how!r} of {n} sessions leave nothing to learn from: give more, or '5 blocks'")


def _by_group(recordings: Recordings, group: list[int]) -> Fold:
    spans = recordings.spans()
    return Fold(
        "+".join(recordings.names[i] for i in group),
        tuple(s for s in spans if s.session not in group),
        tuple(s for s in spans if s.session in group),
    )


def _by_blocks(recordings: Recordings, k: int) -> list[Fold]:
    guard, folds = recordings.n_rows, []
    for i in range(k):
        train, test = [], []
        for s in recordings.spans():
            n = s.stop - s.start
            start, stop = s.start + n * i // k, s.start + n * (i + 1) // k
            sides = Span(s.session, s.start, start - guard), Span(s.session, stop + guard, s.stop)
            train += [side for side in sides if side.stop - side.start > guard]
            if stop - start > guard:
                test.append(Span(s.session, start, stop))
        folds.append(Fold(f"block {i + 1} of {k}", tuple(train), tuple(test)))
    return folds


def _groups(how: str, n: int) -> list[list[int]]:
    """`1-6/7-11` as lists of session numbers from 0."""
    groups = []
    for group in how.split("/"):
        if not _GROUP.fullmatch(group):
            raise ConfigError(
                f"folds {how!r} are unknown: write runs, '5 blocks', or groups such as 1-6/7-11"
            )
        ends = [part.partition("-") for part in group.split(",")]
        members = [i - 1 for first, _, last in ends for i in range(int(first), int(last or first) + 1)]
        if not members or min(members) < 0 or max(members) >= n:
            raise ConfigError(f"folds {how!r} name a session beyond the {n} given")
        groups.append(members)
    return groups


JUDGED_MIN = 2.0
"""Minutes that are judged, if need be by leaving out one part after the other."""


def held_parts(
    spans: Sequence[Span], recordings: Recordings, share: float | None = None
) -> list[tuple[list[Span], list[Span]]]:
    """Ways to leave a part of the data out: what is left, and what is held out, a guard apart.

    Five spans and more are held out whole; of fewer, a block of each is cut out, at another place each time.

    Parameters
    ----------
    share : float, optional
        Held out at a time; 0 for none, which gives an empty list. By default up to a third, and up to three
        parts, until `JUDGED_MIN` minutes have been held out.
    """
    minutes = recordings.minutes(spans)
    n_parts = 1
    if share is None:
        n_parts = 3 if minutes < 2 * JUDGED_MIN else 2 if minutes < 5 * JUDGED_MIN else 1
        share = min(1 / 3, JUDGED_MIN / n_parts / max(minutes, 1e-9))
    parts = [_without_part(spans, share, (k + 0.5) / n_parts, recordings.n_rows) for k in range(n_parts)]
    return [(train, held) for train, held in parts if held and train]


def _without_part(
    spans: Sequence[Span], share: float, middle: float, guard: int
) -> tuple[list[Span], list[Span]]:
    """Leave out whole spans around `middle` (0 to 1), or a block of each around there."""
    if share <= 0:
        return list(spans), []
    if len(spans) >= 5:
        n = max(1, round(share * len(spans)))
        first = min(len(spans) - n, max(0, round(middle * len(spans) - n / 2)))
        return [*spans[:first], *spans[first + n :]], list(spans[first : first + n])
    train, held = [], []
    for s in spans:
        n, length = s.stop - s.start, round(share * (s.stop - s.start))
        start = s.start + min(n - length, max(0, round(middle * n - length / 2)))
        sides = [Span(s.session, s.start, start - guard), Span(s.session, start + length + guard, s.stop)]
        left = [side for side in sides if side.stop - side.start > guard]
        if length > guard and left:
            held.append(Span(s.session, start, start + length))
            train += left
        else:
            train.append(s)
    return train, held


def first_minutes(spans: Sequence[Span], minutes: float, slots_hz: int) -> list[Span]:
    """Return the first part of all spans that lasts `minutes` together, span after span."""
    left, taken = round(minutes * 60 * slots_hz), []
    for s in spans:
        n = min(left, s.stop - s.start)
        if n > 0:
            taken.append(Span(s.session, s.start, s.start + n))
        left -= n
    return taken


def as_split(
    parts: Mapping[str, Sequence[Span]], recordings: Recordings
) -> dict[str, list[dict[str, object]]]:
    """Spans by name in words that a checkpoint can keep: session, seconds from its start to its end."""
    hz = recordings.grid.slots_hz
    return {
        name: [
            {
                "session": recordings.names[s.session],
                "id": recordings.ids[s.session],
                "from_s": round((recordings.tables[s.session].first + s.start) / hz, 3),
                "to_s": round((recordings.tables[s.session].first + s.stop) / hz, 3),
            }
            for s in spans
        ]
        for name, spans in parts.items()
    }
