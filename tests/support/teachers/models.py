"""Small random models of text and sound, in the published format, for the real code to load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

WORDS = ("cat", "dog", "a", "face", "left", "right", "hello", "there")
_SMALL: dict[str, Any] = {
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def write_text_model(kind: str, folder: Path) -> Path:
    """Write a random `bert` or `clip` text model that knows `WORDS`, with its tokenizer."""
    torch.manual_seed(3)
    if kind == "clip":
        text = {
            **_SMALL,
            "vocab_size": 40,
            "max_position_embeddings": 16,
            "bos_token_id": 0,
            "eos_token_id": 1,
        }
        config = transformers.CLIPTextConfig(**text, projection_dim=12)
        transformers.CLIPTextModelWithProjection(config).save_pretrained(folder)
        special = {"bos_token": "[CLS]", "eos_token": "[SEP]"}
    else:
        config = transformers.BertConfig(**_SMALL, vocab_size=40, max_position_embeddings=16)
        transformers.BertModel(config).save_pretrained(folder)
        special = {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    _tokenizer(special).save_pretrained(folder)
    return folder


def _tokenizer(special: dict[str, str]) -> Any:
    """Words by spaces, between a mark for the beginning and one for the end."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {
        "[CLS]": 0,
        "[SEP]": 1,
        "[PAD]": 2,
        "[UNK]": 3,
        **{word: i + 4 for i, word in enumerate(WORDS)},
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16, **special
    )


def write_sound_model(folder: Path) -> Path:
    """Write a random wav2vec 2.0 for sound of 16 kHz, with the settings of its preparation."""
    torch.manual_seed(4)
    config = transformers.Wav2Vec2Config(
        **_SMALL,
        conv_dim=[8, 8],
        conv_kernel=[10, 8],
        conv_stride=[5, 4],
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder
