"""What a batch costs: the terms of the loss, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import NetworkConfig
from models.learning.data.cues import cover
from models.learning.data.dataset import WindowBatch
from models.learning.training import distillation, losses
from models.learning.training.ranks import gather_rows, own_rows
from models.learning.training.recipe import Recipe
from models.network.interfaces import State
from models.network.network import Network
from models.network.towers import EegView, VideoView, agreement, pick

SEEN_CUED = 4  # places a step sees, those that a cue names among them


class SeenSides(NamedTuple):
    """Both sides of a batch of B windows.

    Attributes
    ----------
    eeg : EegView of B windows
    video : VideoView of B·(1+K) items
        The windows' own, then those of their context; of each, Q of its places, the whole frame first.
    cues : (B, Q) float, or None
        How much of what a cue names lies in each place that was seen, 0 to 1; 0 throughout where no cue is
        known. None: none is known in the batch.
    """

    eeg: EegView
    video: VideoView
    cues: Tensor | None

    @property
    def own(self) -> VideoView:
        """The windows' own items."""
        return pick(self.video, slice(0, len(self.eeg.grid)))


class Objective(nn.Module):
    """A network with all that only its training needs.

    Parameters
    ----------
    network : Network
    recipe : Recipe
    teacher_widths : sequence of int
        Of the embeddings of each of the recipe's teachers.
    """

    def __init__(self, network: Network, recipe: Recipe, teacher_widths: Sequence[int] = ()) -> None:
        super().__init__()
        self.network, self.recipe = network, recipe
        grid = network.config.grid
        self.near = round(recipe.near_s * grid.slots_hz)
        self.period = round(recipe.repeats_s * grid.slots_hz)
        self.twin = round(recipe.twin_s * grid.slots_hz) if recipe.loss == "multi_positive" else 0
        self.feature_kd: Any = nn.ModuleList(
            distillation.FeatureKD(grid.n_slots * network.config.embed, width)
            for width in teacher_widths
            if recipe.distil == "feature"
        )
        self.reconstruction = (
            distillation.Reconstruction(network.eeg_tower.encoder.grid_width, len(network.labels))
            if recipe.reconstruct > 0
            else None
        )
        with torch.no_grad():
            network.bias.fill_(losses.bias_for(recipe.batch))

    def forward(self, batch: WindowBatch, step: int, taught: Sequence[Tensor] = ()) -> dict[str, Tensor]:
        """Terms of the loss at `step`, already weighted; their sum is what is minimised.

        Parameters
        ----------
        batch : WindowBatch of B windows, followed by those of their context (`sampling.with_context`)
        taught : sequence of (B, D)
            What each of the recipe's teachers says.
        """
        recipe = self.recipe
        match = recipe.match > 0 and step >= recipe.match_begins
        cues = self.cues(batch) if recipe.cue else None
        by_place = self.network.config.n_places > 1 and (match or recipe.mixture > 0 or cues is not None)
        seen = self.see(batch, cues, by_place=by_place)
        agreed, labels = self.compare(batch, seen)
        cues = None if seen.cues is None else gather_rows(seen.cues)
        cosine, own = attended(agreed, cues), own_rows(labels.shape[1])
        terms = {"similarity": self.similarity_loss(cosine, labels, own)}
        if by_place and recipe.mixture:
            terms["mixture"] = recipe.mixture * self.mixture_loss(agreed, labels)
        if match:
            terms |= self.fusion_losses(seen, labels[own, own])
        if by_place and seen.cues is not None:
            terms["cue"] = recipe.cue * self.cue_loss(agreed[own, own].diagonal().T, seen.cues)
        if taught:
            weight = distillation.warm_up(step, recipe.distil_weight, recipe.warm_up)
            rows = [teacher[: len(seen.eeg.grid)] for teacher in taught]
            terms["distil"] = weight * self.distil_loss(seen, cosine, labels, own, rows)
        if self.reconstruction is not None:
            weight = distillation.warm_up(step, recipe.reconstruct, recipe.warm_up)
            terms["reconstruct"] = weight * self.reconstruct_loss(batch)
        return terms

    # ------------------------------------------------------------ the two sides
    def cues(self, batch: WindowBatch) -> Tensor | None:
        """How much of what is attended lies in each place (N, P+1), N = B·(1+K), the fullest 1; or None."""
        cues = cued_places(batch.box.double().cpu().numpy(), self.network.config)
        return None if cues is None else cues.to(batch.box.device)

    def see(self, batch: WindowBatch, cues: Tensor | None, *, by_place: bool) -> SeenSides:
        """Run both towers: the whole frame alone, or with some of its places, (B, Q, G, E)."""
        network = self.network
        n = len(batch.eeg) // (1 + network.config.n_context)
        given = batch.eeg[:n], batch.eeg_valid[:n], batch.eeg_scale[:n]
        eeg = network.encode_eeg(*given, person=batch.person[:n])
        places = self.choose_places(batch, cues) if by_place else batch.end.new_zeros((len(batch.end), 1))
        video = network.encode_video(network.embedded(batch.frames), batch.frame_valid, places=places)
        if cues is not None and places is not None:
            cues = cues.gather(1, places)
        return SeenSides(eeg, video, None if cues is None else cues[:n])

    def choose_places(self, batch: WindowBatch, cues: Tensor | None) -> Tensor | None:
        """Draw places (B, Q) of each item beside the whole frame, its cue's among them; None for all."""
        n_places, n_seen = self.network.config.n_places - 1, self.recipe.seen_places
        if n_seen is None:
            n_seen = SEEN_CUED if cues is not None else 1
        if n_seen >= n_places:
            return None
        chance = torch.rand((len(batch.end), n_places)).to(batch.end.device)
        if cues is not None:
            chance = chance + cues[:, 1:]
        chosen = chance.topk(max(n_seen, 1), dim=1).indices + 1
        return F.pad(chosen, (1, 0))

    def compare(self, batch: WindowBatch, seen: SeenSides) -> tuple[Tensor, Tensor]:
        """Agreement (N, N, Q) of every EEG with every video of all processes; three-state labels (N, N)."""
        n, own = len(seen.eeg.grid), seen.own
        eeg = seen.eeg._replace(
            grid=gather_rows(seen.eeg.grid), grid_valid=gather_rows(seen.eeg.grid_valid.float())
        )
        video = own._replace(places=gather_rows(own.places), grid_valid=gather_rows(own.grid_valid.float()))
        where = torch.stack((batch.session, batch.end, batch.film, batch.moment), dim=1)[:n]
        slots = self.network.config.grid.n_slots
        labels = losses.pair_labels(gather_rows(where), slots, self.near, self.twin, self.period)
        return agreement(eeg, video), labels

    # ------------------------------------------------------------ the terms
    def similarity_loss(self, cosine: Tensor, labels: Tensor, own: slice) -> Tensor:
        """Compute the chosen loss of cosines (N, N); the sigmoid one over this process's rows."""
        loss, logits = self.recipe.loss, self.network.logit(cosine)
        if loss == "siglip":
            return losses.siglip(logits[own], labels[own])
        if loss == "infonce":
            return losses.infonce(logits, labels)
        if loss == "multi_positive":
            return losses.multi_positive(logits, labels)
        return losses.joint_ce([logits], [labels])

    def mixture_loss(self, agreed: Tensor, labels: Tensor) -> Tensor:
        """Softmax over the batch of the log-sum-exp over places of agreements (N, N, Q), both ways."""
        everywhere = torch.ones_like(agreed, dtype=torch.bool)
        return losses.infonce(self.network.junction.mixture(agreed, everywhere), labels)

    def fusion_losses(self, seen: SeenSides, labels: Tensor) -> dict[str, Tensor]:
        """Compute what the fusion costs by `labels` (B, B): true and mismatched pairs, shares of two videos.

        What is read out of the tokens is asked for by itself too: beside agreements that say it all, nothing
        would open the gates.
        """
        network, recipe = self.network, self.recipe
        media = network.project(seen.video.latents)
        items = context_items(len(seen.eeg.grid), network.config.n_context).to(labels.device)
        every = torch.arange(min(len(labels), recipe.fused), device=labels.device)
        rows, columns = losses.random_partners(labels[every], recipe.negatives)
        both, others = torch.cat((every, rows)), torch.cat((every, columns))
        fused = network.pair(seen.eeg, seen.video, media, both, items[others][:, None]).fused
        assert fused.readout is not None
        terms = {}
        for name, logit in (("match", fused.logit[:, 0]), ("readout", fused.readout[:, 0])):
            terms[name] = recipe.match * losses.match_bce(logit[: len(every)], logit[len(every) :])
        if recipe.share and len(rows):
            terms["share"] = recipe.share * self.share_loss(seen, media, (rows, columns))
        return terms

    def share_loss(self, seen: SeenSides, media: State, partners: tuple[Tensor, Tensor]) -> Tensor:
        """−log of the share a video gets beside one impostor, and its cued place; partners are two (n,)."""
        config = self.network.config
        rows, columns = (part[:: self.recipe.negatives] for part in partners)
        items = context_items(len(seen.eeg.grid), config.n_context).to(rows.device)
        beside = torch.stack((items[rows], items[columns]), dim=1)
        fused = self.network.pair(seen.eeg, seen.video, media, rows, beside, explain=True).fused
        assert fused.shares is not None
        shares = fused.shares[:, 0, : items.shape[1]].sum(dim=1)  # (n, Q), of the true video
        loss = -shares.sum(dim=1).clamp(min=1e-6).log().mean()
        return loss if seen.cues is None else loss + cross_entropy(shares, seen.cues[rows])

    def cue_loss(self, agreed: Tensor, cues: Tensor) -> Tensor:
        """Cross-entropy of each EEG's agreements (B, Q) with its own video's places to what is attended."""
        kappa = self.network.junction.mixture.log_kappa.exp()
        return cross_entropy((kappa * agreed).softmax(dim=1), cues)

    def distil_loss(
        self, seen: SeenSides, cosine: Tensor, labels: Tensor, own: slice, taught: Sequence[Tensor]
    ) -> Tensor:
        """Compute the chosen distillation from each teacher (B, D), and weigh them."""
        losses_of_each = []
        for number, teacher in enumerate(taught):
            if self.recipe.distil == "feature":
                losses_of_each.append(self.feature_kd[number](seen.eeg.grid.flatten(1), teacher))
                continue
            everybody = gather_rows(teacher)
            if self.recipe.distil == "distribution":
                ignored = labels[own] == 0
                loss = distillation.distribution_kd(cosine[own], everybody, ignore=ignored, rows=own)
            else:
                loss = distillation.multi_positive_kd(self.network.logit(cosine), everybody, labels)
            losses_of_each.append(loss)
        weights = self.recipe.teachers.values()
        return sum((w * loss for w, loss in zip(weights, losses_of_each, strict=True)), cosine.new_zeros(()))

    def reconstruct_loss(self, batch: WindowBatch) -> Tensor:
        """Hide stretches of EEG (B, C, n_times) and ask the encoder what was there."""
        assert self.reconstruction is not None
        grid = self.network.config.grid
        per_slot = grid.per_slot
        n, n_points = len(batch.eeg), grid.n_slots * per_slot
        hidden = self.reconstruction.hide(n, grid.n_slots).to(batch.eeg.device)
        points = hidden.repeat_interleave(per_slot, dim=1)[:, None]
        valid = batch.eeg_valid.clone()
        valid[:, :, :n_points] &= ~points
        features = self.network.eeg_tower.encoder(batch.eeg, valid, batch.eeg_scale)
        unit = (batch.eeg / batch.eeg_scale[:, :, None]).clamp(-8, 8)[:, :, :n_points]
        target = unit.unflatten(2, (grid.n_slots, per_slot)).mean(dim=3).transpose(1, 2)
        there = batch.eeg_valid[:, :, :n_points].any(dim=1).unflatten(1, (grid.n_slots, per_slot)).all(dim=2)
        return self.reconstruction(features.grid, target, hidden & there)


def context_items(n: int, n_context: int) -> Tensor:
    """Each of n windows with its K earlier ones, oldest first, as numbers of items: (n, 1+K) int64.

    Items are the windows' own, then all that lie one interval back, then two, as `with_context` puts them.
    """
    back = torch.arange(n_context, -1, -1)
    return torch.arange(n)[:, None] + back * n


def cued_places(boxes: NDArray[np.float64], config: NetworkConfig) -> Tensor | None:
    """How much of a rectangle (n, 4) lies in each place (n, P+1), the fullest 1; None where none is named.

    Place 0, the whole frame, has none of it.
    """
    if config.n_places == 1 or not np.isfinite(boxes).any():
        return None
    share = cover(boxes, config.places)
    fullest = np.maximum(share.max(axis=1, keepdims=True), 1e-12)
    return F.pad(torch.from_numpy(share / fullest).float(), (1, 0))


def attended(agreed: Tensor, cues: Tensor | None) -> Tensor:
    """Agreement of every EEG with what is attended in every video: what a cue names, else the whole frame.

    Parameters
    ----------
    agreed : (N, M, Q)
    cues : (M, Q) or None
        As in `SeenSides`, of all M videos.

    Returns
    -------
    (N, M)
    """
    if cues is None:
        return agreed[..., 0]
    whole = F.one_hot(torch.zeros_like(cues[:, 0], dtype=torch.int64), cues.shape[1]).to(cues.dtype)
    weights = torch.where((cues > 0).any(dim=1, keepdim=True), cues, whole)
    return (agreed * (weights / weights.sum(dim=1, keepdim=True))).sum(dim=-1)


def cross_entropy(shares: Tensor, cues: Tensor) -> Tensor:
    """Mean −log of the share that lies on what a cue names, over rows with a cue.

    Parameters
    ----------
    shares : (B, Q)
    cues : (B, Q)
        As in `SeenSides`.
    """
    known = (cues > 0).any(dim=1)
    at = (shares * cues).sum(dim=1).clamp(min=1e-6).log()
    return -torch.where(known, at, 0.0).sum() / known.sum().clamp(min=1)
