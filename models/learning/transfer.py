"""A trained network on other electrodes: what belongs to an electrode goes with its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.network.network import Network
from realtime.errors import ConfigError


@dataclass(frozen=True)
class Transferred:
    """A network on new electrodes.

    Attributes
    ----------
    missing : tuple of str
        Electrodes that the network knew and the new ones lack.
    new : tuple of str
        Electrodes it did not know: their weights begin at 0.
    """

    network: Network
    missing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """Say what differs, in sentences; empty where nothing does."""
        said = []
        if self.missing:
            said.append(f"the model's {', '.join(self.missing)} are not among these electrodes: left out")
        if self.new:
            said.append(f"{', '.join(self.new)} are new to the model: they begin at nothing")
        return said


def shared_labels(known: Sequence[str], there: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the electrodes a model goes on with: its own where all are there, else those that were chosen.

    Parameters
    ----------
    known, there, chosen : sequence of str
        The model's; all that a recording has; those of them that a fresh model would take.
    """
    return tuple(known) if set(known) <= set(there) else tuple(chosen)


def transfer(network: Network, labels: Sequence[str]) -> Transferred:
    """Copy a network onto other electrodes, by name; all that is not an electrode's stays.

    Raises
    ------
    ConfigError
        The two have no electrode in common, or its encoder keeps its electrodes in a shape of its own.
    """
    known, labels = network.labels, tuple(labels)
    there = [label for label in labels if label in known]
    if not there:
        raise ConfigError(
            f"the model knows {', '.join(known)} and the recording has {', '.join(labels)}: no electrode is "
            f"the same. Train a fresh model, or name the electrodes (--montage while recording)"
        )
    if (kind := network.config.eeg.kind).startswith("braindecode"):
        raise _cannot_move(f"{kind} orders them in its own way")
    with torch.random.fork_rng(devices=()):
        made = Network(network.config, labels)
        wider = Network(network.config, (*known, _unused(known)))
    state, larger, target = network.state_dict(), wider.state_dict(), made.state_dict()
    copied = {
        name: _by_name(value, target[name], _axes(value, larger[name]), (known, labels))
        for name, value in state.items()
    }
    made.load_state_dict(copied)
    missing = tuple(label for label in known if label not in labels)
    return Transferred(made, missing, tuple(label for label in labels if label not in known))


def _unused(labels: Sequence[str]) -> str:
    """Name an electrode that is not among the labels."""
    return next(name for name in ("Cz", "Fz", "Pz", "Oz", *map(str, range(999))) if name not in labels)


def _axes(value: Tensor, larger: Tensor) -> list[int]:
    """Axes that grow with the number of electrodes."""
    return [axis for axis, (a, b) in enumerate(zip(value.shape, larger.shape, strict=True)) if a != b]


def _by_name(
    value: Tensor, target: Tensor, axes: Sequence[int], names: tuple[Sequence[str], Sequence[str]]
) -> Tensor:
    """Bring a tensor to the shape of `target`: along `axes`, each electrode's rows go with its name.

    Where an electrode has several rows they follow each other, as in `network.eeg.cbramod`.
    """
    known, labels = names
    if axes and not value.dtype.is_floating_point:
        return target  # numbers of electrodes are the new network's own
    for axis in axes:
        if value.shape[axis] % len(known):
            raise _cannot_move(f"{value.shape[axis]} rows for {len(known)} electrodes")
        old = value.unflatten(axis, (len(known), -1))
        moved = old.new_zeros((*old.shape[:axis], len(labels), *old.shape[axis + 1 :]))
        for at, label in enumerate(labels):
            if label in known:
                moved.select(axis, at).copy_(old.select(axis, list(known).index(label)))
        value = moved.flatten(axis, axis + 1)
    return value


def _cannot_move(why: str) -> ConfigError:
    return ConfigError(
        f"this encoder cannot be brought to other electrodes ({why}): record the same ones, or train a fresh "
        f"model"
    )
