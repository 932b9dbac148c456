"""What an engine remembers of a session: intervals of its context, video this brain was not watching."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.network.interfaces import State
from models.network.towers import VideoView, moved
from realtime.model import OtherVideo

BANK_SIZE = 48  # past video intervals kept as impostors: 96 s of them at 2 s


@dataclass(frozen=True)
class Item:
    """What is kept of an interval of video once it has been seen."""

    view: VideoView
    media: State

    @property
    def valid(self) -> Tensor:
        """Whether any slot shows a frame, of shape () bool: known where the network runs."""
        return self.view.grid_valid.any()

    def to(self, device: torch.device) -> Item:
        """Return the same on another device."""
        return Item(moved(self.view, device), tuple(part.to(device) for part in self.media))


@dataclass(frozen=True)
class Ahead:
    """What an interval's videos show, seen before its EEG had come."""

    index: int
    shown: tuple[OtherVideo, ...]
    items: tuple[Item, ...]

    def of(self, index: int, shown: Sequence[OtherVideo]) -> bool:
        """Whether just these frames, at these slots, were seen."""
        return index == self.index and all(
            np.array_equal(one.frame_seq, other.frame_seq)
            and np.array_equal(one.frame_valid, other.frame_valid)
            for one, other in zip(self.shown, shown, strict=True)
        )


class Bank:
    """The last `size` intervals of video that were put, in memory of one piece; the oldest is overwritten.

    Attributes
    ----------
    view : VideoView of n intervals, without latents, or None while there is none
    index : (n,) int64
        Which intervals they are.
    """

    def __init__(self, size: int) -> None:
        self.size, self.count = size, 0
        self.index = torch.zeros(0, dtype=torch.int64)
        self.view: VideoView | None = None

    def put(self, index: int, view: VideoView) -> None:
        """Keep the places and the validity of one interval."""
        if self.count == 0:
            self._places = view.places.new_zeros((self.size, *view.places.shape[1:]))
            self._valid = view.grid_valid.new_zeros((self.size, *view.grid_valid.shape[1:]))
            self._index = torch.zeros(self.size, dtype=torch.int64)
        at = self.count % self.size
        self._places[at], self._valid[at], self._index[at] = view.places[0], view.grid_valid[0], index
        self.count += 1
        n = min(self.count, self.size)
        self.index = self._index[:n]
        self.view = VideoView(self._places[:n], self._valid[:n], view.latents[:0], None)

    def to(self, device: torch.device) -> None:
        """Move to another device; the index stays with the host, which asks it."""
        if self.view is not None:
            self._places, self._valid = self._places.to(device), self._valid.to(device)
            n = len(self.index)
            self.view = VideoView(self._places[:n], self._valid[:n], self.view.latents.to(device), None)


class Memory:
    """What was seen of a session. Engines of one network on other backends share it, one scoring at a time.

    Attributes
    ----------
    items : dict of interval to tuple of Item
        Of each video, the newest interval last.
    bank : Bank
    ahead : Ahead or None
        The interval that comes next.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin again, as after a seek."""
        self.device = torch.device("cpu")
        self.items: OrderedDict[int, tuple[Item, ...]] = OrderedDict()
        self.bank = Bank(BANK_SIZE)
        self.ahead: Ahead | None = None

    def to(self, device: torch.device) -> None:
        """Follow an engine to its device; nothing to do where it is there."""
        if device == self.device:
            return
        for index, items in self.items.items():
            self.items[index] = tuple(item.to(device) for item in items)
        self.bank.to(device)
        self.ahead = None
        self.device = device

    def drop_before(self, index: int) -> None:
        """Let go of the items of earlier intervals."""
        while self.items and next(iter(self.items)) < index:
            self.items.popitem(last=False)
