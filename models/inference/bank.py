"""Past video of a session: what this brain was not watching, to compare with."""

from __future__ import annotations

import torch

from models.network.towers import VideoView


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
