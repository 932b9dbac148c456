"""A model that knows somebody already, for new minutes: of the same person, or of another.

Measured on recordings kept aside (docs/person.md): the same person's new minutes are best mixed with the
earlier sessions, or learned gently, since a model forgets fast; another person's are best learned alone.
What the model was before is always among what is judged, so nothing is below it on the minutes held out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from models.checkpoint import Checkpoint, load_checkpoint
from models.learning.ancestry import KEY, ancestry_of, seen_from, still_there, subjects
from models.learning.data.dataset import Recordings, Span
from models.learning.data.flicker import films_flicker, slots_in_words
from models.learning.judging.metrics import contest, interval
from models.learning.people import joined_by
from models.learning.train import (
    STATE,
    Material,
    TrainingResult,
    channels_there,
    fed,
    finish,
    labels_of,
    refuse_two,
)
from models.learning.training.fit import Progress
from models.learning.training.interrupt import ctrl_c
from models.learning.training.recipe import Recipe
from models.learning.training.search import Learned, Learner, Sought, judged_parts, learn, seek
from models.learning.training.validation import HeldWindows, look_at
from models.learning.transfer import Transferred, shared_labels, transfer
from models.network.network import Network
from recordings.session.naming import subject_of

How = Literal["auto", "same-person", "new-person"]
KNOWN, UNKNOWN = 0.75, 0.65
"""2-way accuracy of the unchanged model on new minutes: from the one on its interval says the same person, up
to the other another one (measured: .94 on the same person's third day, .57 on another person)."""
MIXED = {"steps": 150, "lr": 2e-3, "warmup": 15, "match_from": 0.0}
GENTLE = {"steps": 60, "lr": 5e-4, "warmup": 10, "match_from": 0.0, "check_every": 10}
NEW = {"steps": 120, "lr": 2e-3, "warmup": 15, "match_from": 0.0, "check_every": 15}
LAYER_FIRST = 40  # steps in which somebody new to a model of several people learns their own layer alone


@dataclass(frozen=True)
class Way:
    """One way to learn from new minutes."""

    name: str
    learner: Learner


@dataclass(frozen=True)
class Begun:
    """What is continued: the model on the new electrodes, and the new minutes as it sees them.

    Attributes
    ----------
    folder : Path
        Of the model.
    recordings : Recordings
        The new sessions, then those of the model that can be mixed with them.
    n_new : int
        How many of them are new.
    """

    folder: Path
    checkpoint: Checkpoint
    moved: Transferred
    recordings: Recordings
    n_new: int

    @property
    def spans(self) -> list[Span]:
        """The new minutes."""
        return self.recordings.spans()[: self.n_new]

    @property
    def old(self) -> list[Span]:
        """The earlier sessions that are still there."""
        return self.recordings.spans()[self.n_new :]

    def make(self, train: Sequence[Span]) -> Network:
        """Return the model as it was."""
        return copy.deepcopy(self.moved.network)


def train_from(
    parent: str | Path,
    material: Material,
    out: str | Path,
    recipe: Recipe | None = None,
    how: How = "auto",
    report: Callable[[Progress], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Continue a model on new minutes and write the result to `out`.

    Parameters
    ----------
    parent : Path
        Folder of a checkpoint.
    recipe : Recipe, optional
        What is set in it goes before what the two ways say.
    how : str
        `same-person`: new minutes mixed with the model's earlier sessions where they are still there and have
        these electrodes, gentle steps where not. `new-person`: the new minutes alone. `auto` finds out, by
        what the unchanged model says of the new minutes and by the subject's name, and judges both where that
        leaves it open.
    report : callable, optional
        Called after every step.
    tell : callable, optional
        Told what is found, a sentence at a time.

    Raises
    ------
    ConfigError, SessionError, StreamFormatError, WeightsError
    """
    say, recipe, out = tell or (lambda words: None), recipe or Recipe(), Path(out)
    refuse_two(recipe, "a model that is continued")
    begun = begin(Path(parent), material, mix=how != "new-person")
    for sentence in begun.moved.told():
        say(sentence)
    with ctrl_c() as pressed:
        ways = ways_of(begun, recipe, how, say)
        ways = [replace(way, learner=replace(way.learner, report=report, stop=pressed)) for way in ways]
        learned, name = best_way(ways, begun.spans, out / STATE, say)
    before = seen_from(out, begun.folder, ancestry_of(begun.checkpoint))
    past = replace(begun.checkpoint, metrics={**begun.checkpoint.metrics, KEY: before})
    result = finish(out, begun.recordings, learned, recipe, begun.n_new, name, past)
    flickers = films_flicker(material.sessions, material.video)
    return result.advised(slots_in_words(learned.network.config, flickers))


def begin(parent: Path, material: Material, *, mix: bool) -> Begun:
    """Load a model, bring it to the sessions' electrodes, and read the sessions as it wants to see them."""
    checkpoint = load_checkpoint(parent)
    known, chosen = checkpoint.network.labels, labels_of(material)
    if material.conditioning.channels is None:
        chosen = shared_labels(known, channels_there(material), chosen)
    same = tuple(chosen) == tuple(known)
    moved = Transferred(checkpoint.network) if same else transfer(checkpoint.network, chosen)
    for person in sorted({subject_of(Path(session)) for session in material.sessions}):
        moved = replace(moved, network=joined_by(moved.network, person))
    recordings = fed(material, moved.network, to_train=True)
    old: list[Path] = []
    if mix and not moved.new:
        old = still_there(parent, ancestry_of(checkpoint), recordings.ids)
    if old:
        both = replace(material, sessions=[*material.sessions, *old])
        recordings = fed(both, moved.network, to_train=True)
    return Begun(parent, checkpoint, moved, recordings, len(material.sessions))


def ways_of(begun: Begun, recipe: Recipe, how: How, say: Callable[[str], None]) -> list[Way]:
    """Return the ways to be tried: one, or two where it is open which applies."""
    given = {name: getattr(recipe, name) for name in recipe.model_fields_set}

    def way(name: str, numbers: dict[str, Any], beside: Sequence[Span] = ()) -> Way:
        changed = recipe.model_copy(update={**numbers, **given})
        return Way(name, Learner(begun.make, begun.recordings, changed, beside))

    same = way("same person, mixed", MIXED, begun.old) if begun.old else way("same person, gently", GENTLE)
    layers = begun.moved.network.eeg_tower.subjects is not None
    new = way("new person", {**NEW, "layer_first": LAYER_FIRST} if layers else NEW)
    if how != "auto":
        return [same if how == "same-person" else new]
    verdict = whose(begun, say)
    return [same, new] if verdict == "open" else [same] if verdict == "same" else [new]


def whose(begun: Begun, say: Callable[[str], None]) -> Literal["same", "new", "open"]:
    """Say whose the new minutes are, by what the unchanged model makes of them and by the subjects' names."""
    mine = {subject_of(Path(path)) for path in begun.recordings.paths[: begun.n_new]} - {""}
    named = subjects(ancestry_of(begun.checkpoint))
    hint = "" if not mine or not named else "same" if mine <= named else "new"
    windows = HeldWindows.of(begun.recordings, begun.spans)
    network = begun.make(())
    look = windows and look_at(network.eval(), begun.recordings, windows, torch.device("cpu"), match=False)
    if not look:
        return "new" if hint == "new" else "same"
    low, high = interval(contest([look.similarity], least=1).beaten)
    say(f"unchanged, the model tells {look.figures.similarity:.3f} [{low:.3f}, {high:.3f}] of two apart")
    if low >= KNOWN or (hint == "same" and low >= UNKNOWN):
        return "same"
    if high <= UNKNOWN or (hint == "new" and high <= KNOWN):
        return "new"
    return "open"


def best_way(
    ways: Sequence[Way], spans: Sequence[Span], state: Path, say: Callable[[str], None]
) -> tuple[Learned, str]:
    """Learn in the way that does best on held-out parts of the new minutes; gives also its name."""
    chosen, sought = ways[0], None
    parts, recipe = judged_parts(chosen.learner, spans), chosen.learner.recipe
    if not parts and recipe.validation != 0:
        say("too little to hold a part out and judge: the model stays as it was")
        nothing = recipe.model_copy(update={"until": 0, "validation": 0.0})
        return learn(replace(chosen.learner, recipe=nothing), spans), "unchanged"
    if len(ways) > 1:
        for number, way in enumerate(ways if parts else ()):
            found = seek(way.learner, parts, state.with_name(f"{state.name}-way{number}"))
            if isinstance(found, Learned):
                return found, way.name
            say(f"{way.name}: {_line(found)}")
            if sought is None or found.accuracy > sought.accuracy:
                chosen, sought = way, found
    learned = learn(chosen.learner, spans, state, sought)
    if learned.sought is not None and learned.sought.step == 0:
        say("no step made the model better on the minutes held out: it stays as it was")
        return learned, "unchanged"
    return learned, chosen.name


def _line(found: Sought) -> str:
    """Say in a few words what the held-out parts gave."""
    return (
        f"best after {found.step} steps, {found.accuracy:.3f}; unchanged {found.history[0]['similarity']:.3f}"
    )
