"""What a published model makes of a film: of a frame now and then, or of the last seconds of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.learning.embedding.models import Embeddings, folder_of
from models.network.vision import pretrained, whole_clip
from models.network.vision.pretrained import PretrainedVision, PretrainedVisionConfig
from models.network.vision.published import load_published
from realtime.errors import WeightsError

Image = NDArray[np.uint8]
Shown = Iterable[tuple[float, Image]]  # stamps and frames (height, width, 3), in order
_CLIP_S = 2.0  # how much of the film a video transformer is shown at once


class PictureModel:
    """Embeds frames by an image model's own vector: CLIP's is the one it shares with text."""

    def __init__(self, kind: str, source: str) -> None:
        config = PretrainedVisionConfig(kind=kind, source=source, pooled=True)  # type: ignore[arg-type]
        self._network = PretrainedVision(config, (1, 1)).eval()
        self.image_px = self._network.image_px

    @torch.inference_mode()
    def embed(self, shown: Shown, every_s: float) -> Iterator[tuple[float, Embeddings]]:
        """Give the embedding (D,) of the frame on show every `every_s` seconds, with its stamp."""
        due = -np.inf
        for stamp, image in shown:
            if stamp >= due:
                due = stamp + every_s
                pixels = self._network.preprocess([torch.from_numpy(np.ascontiguousarray(image))])
                yield stamp, self._network.image_embeds(pixels)[0].float().numpy()


class ClipModel:
    """Embeds the last two seconds of a film: the mean over a video transformer's tokens."""

    def __init__(self, kind: str, source: str) -> None:
        classes = {kind: whole_clip.CLASSES[kind]}
        options = {"add_pooling_layer": False} if kind == "vivit" else {}
        hub_ids = (whole_clip.HUB_IDS[kind],)
        network, self._prepare = load_published(kind, source, classes, hub_ids, **options)
        self._network: Any = network.encoder if kind == "vjepa2" else network
        settings = self._network.config
        self._n_frames = int(getattr(settings, "frames_per_clip", 0) or settings.num_frames)
        self.image_px = self._prepare.image_px

    @torch.inference_mode()
    def embed(self, shown: Shown, every_s: float) -> Iterator[tuple[float, Embeddings]]:
        """Give the embedding (D,) of what was on show before each multiple of `every_s`, with its stamp."""
        seen: deque[tuple[float, Image]] = deque()
        due: float | None = None
        for stamp, image in shown:
            due = stamp + _CLIP_S if due is None else due
            seen.append((stamp, image))
            while seen[0][0] < stamp - _CLIP_S:
                seen.popleft()
            if stamp >= due:
                due = stamp + every_s
                yield stamp, self._clip([each for _, each in seen])

    def _clip(self, images: list[Image]) -> Embeddings:
        """Embed frames, brought to the number the network takes."""
        chosen = whole_clip.resampled(len(images), self._n_frames).tolist()
        pixels = self._prepare([torch.from_numpy(np.ascontiguousarray(images[i])) for i in chosen])
        found: Embeddings = self._network(pixels[None]).last_hidden_state[0].mean(dim=0).float().numpy()
        return found


def picture_model(source: str) -> PictureModel | ClipModel:
    """Load what a folder holds: an image model, or a video transformer.

    Raises
    ------
    WeightsError
    """
    _, kind = folder_of("a model of pictures", source)
    for word, classes in pretrained.CLASSES.items():
        if kind in classes:
            return PictureModel(word, source)
    if kind in whole_clip.CLASSES:
        return ClipModel(kind, source)
    legal = ", ".join(sorted({*pretrained.CLASSES, *whole_clip.CLASSES}))
    raise WeightsError(f"{source} holds a model of type {kind!r}; pictures are embedded by {legal}")
