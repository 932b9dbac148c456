"""What a batch costs: the terms of the loss, each by itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.learning.data.dataset import Batch
from models.learning.training import distillation, losses
from models.learning.training.ranks import gather_rows, own_rows
from models.learning.training.recipe import Recipe
from models.network.interfaces import State
from models.network.network import Network
from models.network.towers import EegView, VideoView, similarity


class Seen(NamedTuple):
    """Both sides of a batch; `latents` is None where only the similarity is asked for."""

    eeg: EegView
    grid: Tensor
    grid_valid: Tensor
    latents: Tensor | None


class Objective(nn.Module):
    """A network with all that only its training needs.

    Parameters
    ----------
    network : Network
    recipe : Recipe
    teacher_width : int
        Of the teacher's embeddings; 0 without a teacher.
    """

    def __init__(self, network: Network, recipe: Recipe, teacher_width: int = 0) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe
        grid = network.config.grid
        self.near = round(recipe.near_s * grid.slots_hz)
        self.period = round(recipe.repeats_s * grid.slots_hz)
        self.twin = round(recipe.twin_s * grid.slots_hz) if recipe.loss == "multi_positive" else 0
        self.feature_kd = (
            distillation.FeatureKD(grid.n_slots * network.config.embed, teacher_width)
            if recipe.distil == "feature"
            else None
        )
        self.reconstruction = (
            distillation.Reconstruction(network.eeg_tower.encoder.grid_width, len(network.labels))
            if recipe.reconstruct > 0
            else None
        )
        with torch.no_grad():
            network.bias.fill_(losses.bias_for(recipe.batch))

    def forward(self, batch: Batch, step: int, teacher: Tensor | None = None) -> dict[str, Tensor]:
        """Terms of the loss at `step`, already weighted; their sum is what is minimised."""
        recipe = self.recipe
        match = recipe.match > 0 and step >= recipe.match_from * recipe.steps
        seen = self.see(batch, latents=match)
        cosine, labels = self.compare(batch, seen)
        own = own_rows(labels.shape[1])
        terms = {"similarity": self.similarity_loss(cosine, labels, own)}
        if match:
            terms["match"] = recipe.match * self.match_loss(batch, seen, labels[own, own])
        if teacher is not None:
            weight = distillation.warm_up(step, recipe.distil_weight, recipe.warm_up)
            terms["distil"] = weight * self.distil_loss(seen, cosine, labels, own, teacher)
        if self.reconstruction is not None:
            weight = distillation.warm_up(step, recipe.reconstruct, recipe.warm_up)
            terms["reconstruct"] = weight * self.reconstruct_loss(batch)
        return terms

    def see(self, batch: Batch, latents: bool) -> Seen:
        """Run both towers; the latents cost as much as all the rest and are left out where not needed."""
        network = self.network
        eeg = network.encode_eeg(batch.eeg, batch.eeg_valid, batch.eeg_scale)
        tower, frames = network.video_tower, network.embedded(batch.frames)
        if latents or not hasattr(tower, "grid"):
            view: VideoView = network.encode_video(frames, batch.frame_valid)
            return Seen(eeg, view.grid, view.grid_valid, view.latents)
        grid, grid_valid = tower.grid(frames, batch.frame_valid)
        return Seen(eeg, grid, grid_valid, None)

    def compare(self, batch: Batch, seen: Seen) -> tuple[Tensor, Tensor]:
        """Cosines (N, N) of every EEG with every video of all processes, and their three-state labels."""
        sides = (seen.eeg.grid, seen.eeg.grid_valid.float(), seen.grid, seen.grid_valid.float())
        cosine = similarity(*(gather_rows(side) for side in sides))
        where = torch.stack((batch.session, batch.end, batch.film, batch.moment), dim=1)
        n_slots = self.network.config.grid.n_slots
        return cosine, losses.pair_labels(gather_rows(where), n_slots, self.near, self.twin, self.period)

    def similarity_loss(self, cosine: Tensor, labels: Tensor, own: slice) -> Tensor:
        """The chosen loss; the sigmoid one over this process's rows, the others over all."""
        loss, logits = self.recipe.loss, self.network.logit(cosine)
        if loss == "siglip":
            return losses.siglip(logits[own], labels[own])
        if loss == "infonce":
            return losses.infonce(logits, labels)
        if loss == "multi_positive":
            return losses.multi_positive(logits, labels)
        return losses.joint_ce([logits], [labels])

    def match_loss(self, batch: Batch, seen: Seen, labels: Tensor) -> Tensor:
        """True pairs and `negatives` random mismatched ones each, run through the fusion."""
        assert seen.latents is not None
        media = self.network.project(seen.latents)
        every = torch.arange(len(labels), device=labels.device)
        rows, columns = losses.random_partners(labels, self.recipe.negatives)
        logits = match_logits(
            self.network,
            seen.eeg.tokens,
            media,
            batch.frame_valid.any(dim=1),
            torch.cat((every, rows)),
            torch.cat((every, columns)),
        )
        return losses.match_bce(logits[: len(every)], logits[len(every) :])

    def distil_loss(self, seen: Seen, cosine: Tensor, labels: Tensor, own: slice, teacher: Tensor) -> Tensor:
        """The chosen distillation from a teacher (B, D)."""
        kind = self.recipe.distil
        if kind == "feature":
            assert self.feature_kd is not None
            return self.feature_kd(seen.eeg.grid.flatten(1), teacher)
        everybody = gather_rows(teacher)
        if kind == "distribution":
            return distillation.distribution_kd(cosine[own], everybody, ignore=labels[own] == 0, rows=own)
        return distillation.multi_positive_kd(self.network.logit(cosine), everybody, labels)

    def reconstruct_loss(self, batch: Batch) -> Tensor:
        """Hide stretches of EEG and ask the encoder what was there (the grid itself is 0 where hidden)."""
        assert self.reconstruction is not None
        grid = self.network.config.grid
        per_slot = grid.eeg_hz // grid.slots_hz
        n, n_points = len(batch.eeg), grid.n_slots * per_slot
        hidden = self.reconstruction.hide(n, grid.n_slots).to(batch.eeg.device)
        points = hidden.repeat_interleave(per_slot, dim=1)[:, None]
        valid = batch.eeg_valid.clone()
        valid[:, :, :n_points] &= ~points
        features = self.network.eeg_tower.encoder(batch.eeg, valid, batch.eeg_scale)
        unit = (batch.eeg / batch.eeg_scale[:, :, None]).clamp(-8, 8)[:, :, :n_points]
        target = unit.unflatten(2, (grid.n_slots, per_slot)).mean(dim=3).transpose(1, 2)
        there = batch.eeg_valid[:, 0, :n_points].unflatten(1, (grid.n_slots, per_slot)).all(dim=2)
        return self.reconstruction(features.grid, target, hidden & there)


def match_logits(
    network: Network, tokens: Tensor, media: State, seen: Tensor, rows: Tensor, columns: Tensor
) -> Tensor:
    """Logit of the match of EEG `rows` with video `columns`, each read as if it stood alone: (n,).

    Parameters
    ----------
    tokens : (B, S, D)
    media : tuple of (B, n, ·)
        From `Network.project`.
    seen : (B,) bool
        Which videos have a frame at all.
    """
    allowed = seen[columns][:, None, None].expand(-1, tokens.shape[1], 1)
    now = torch.zeros(1, 1, device=tokens.device)
    fused = network.fuse(tokens[rows][:, None], tuple(part[columns] for part in media), allowed, now, now)
    return fused.logit[:, 0]
