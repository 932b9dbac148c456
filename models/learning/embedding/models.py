"""Published models that embed text, sound and pictures, each from a folder in the transformers format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network.hub import fetch_folder, refuse_pointers
from models.network.vision.preparation import read_json
from models.network.vision.published import quiet_transformers
from realtime.errors import WeightsError

Embeddings = NDArray[np.float32]
TEXT = {  # by `model_type`; every other is a sentence encoder: the mean over its words
    "clip": ("CLIPTextModelWithProjection", "text_embeds"),
    "siglip": ("SiglipTextModel", "pooler_output"),
    "siglip2": ("Siglip2TextModel", "pooler_output"),
    "clap": ("ClapTextModelWithProjection", "text_embeds"),
}
SOUND = {
    "clap": ("ClapAudioModelWithProjection", "audio_embeds"),
    "wav2vec2": ("Wav2Vec2Model", ""),
    "hubert": ("HubertModel", ""),
}
_BATCH = 16


class TextModel:
    """Embeds sentences: CLIP, SigLIP, CLAP by their own vector, sentence encoders by the mean of their words.

    Parameters
    ----------
    source : str
        A folder, or a hub id, with config, weights and tokenizer.

    Raises
    ------
    WeightsError
    """

    def __init__(self, source: str) -> None:
        import transformers

        folder, kind = folder_of("a model of text", source)
        name, self._field = TEXT.get(kind.removesuffix("_text_model"), ("AutoModel", ""))
        self._tokenizer: Any = _load(transformers.AutoTokenizer, folder)
        self._network: Any = _load(getattr(transformers, name), folder).eval()
        self._padding = "max_length" if kind.startswith("siglip") else True  # as it was trained

    @torch.inference_mode()
    def embed(self, sentences: Sequence[str]) -> Embeddings:
        """Embed sentences as (n, D)."""
        return _in_batches(self._embed, sentences)

    def _embed(self, sentences: Sequence[str]) -> Any:
        words = self._tokenizer(list(sentences), padding=self._padding, truncation=True, return_tensors="pt")
        out = self._network(**words)
        if self._field:
            return out[self._field]
        there = words["attention_mask"][:, :, None].to(out.last_hidden_state.dtype)
        return (out.last_hidden_state * there).sum(dim=1) / there.sum(dim=1).clamp(min=1.0)


class SoundModel:
    """Embeds stretches of sound: CLAP by its own vector, wav2vec 2.0 and HuBERT by the mean over time.

    Attributes
    ----------
    rate : int
        Samples a second it wants.

    Raises
    ------
    WeightsError
    """

    def __init__(self, source: str) -> None:
        import transformers

        folder, kind = folder_of("a model of sound", source)
        kind = kind.removesuffix("_audio_model")
        if kind not in SOUND:
            legal = ", ".join(SOUND)
            raise WeightsError(f"{folder} holds a model of type {kind!r}; sound is embedded by {legal}")
        name, self._field = SOUND[kind]
        self._prepare: Any = _load(transformers.AutoFeatureExtractor, folder)
        self._network: Any = _load(getattr(transformers, name), folder).eval()
        self.rate = int(self._prepare.sampling_rate)

    @torch.inference_mode()
    def embed(self, stretches: Sequence[NDArray[np.float32]]) -> Embeddings:
        """Embed stretches of equal length, each (n_samples,), as (n, D)."""
        return _in_batches(self._embed, stretches)

    def _embed(self, stretches: Sequence[NDArray[np.float32]]) -> Any:
        given = self._prepare(list(stretches), sampling_rate=self.rate, return_tensors="pt")
        out = self._network(**given)
        return out[self._field] if self._field else out.last_hidden_state.mean(dim=1)


def folder_of(what: str, source: str) -> tuple[Path, str]:
    """Find a model's folder, and read of which type it is."""
    folder = fetch_folder(what, source, (source,))
    refuse_pointers(folder)
    return folder, str(read_json(folder, "config.json").get("model_type", ""))


def _load(kind: Any, folder: Path) -> Any:
    """Load one part of a folder; code that stands in it is never run."""
    more: Mapping[str, Any] = {"dtype": torch.float32} if "Model" in kind.__name__ else {}
    import transformers

    try:
        with quiet_transformers(transformers):
            return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **more)
    except Exception as error:  # transformers and its parsers raise a dozen kinds
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise WeightsError(f"{folder} cannot be loaded ({reason}): copy the whole folder again") from error


def _in_batches(embed: Callable[[Any], Any], items: Sequence[Any]) -> Embeddings:
    """Run over items some at a time: (n, D)."""
    rows = [embed(items[first : first + _BATCH]).float() for first in range(0, len(items), _BATCH)]
    found: Embeddings = torch.cat(rows).numpy()
    return found
