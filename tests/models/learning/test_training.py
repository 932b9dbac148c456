"""Training: the same after a kill, usable after Ctrl-C, honest about what it learned from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from models.checkpoint import load_checkpoint
from models.config import preset
from models.inference.linear_engine import LinearEngine
from models.learning.baselines import LinearModels
from models.learning.data.dataset import Recordings, Span, WindowBatch, Windows
from models.learning.data.folds import held_parts
from models.learning.data.names import names_of
from models.learning.data.sampling import augment, with_context
from models.learning.data.teacher import Teacher
from models.learning.evaluate import evaluate_checkpoint, unseen
from models.learning.judging import controls
from models.learning.judging.metrics import Scored
from models.learning.judging.scoring import see_windows, similarity_runs
from models.learning.kept import load_models
from models.learning.spatial import patterns
from models.learning.train import Material, train_sessions
from models.learning.training import distillation
from models.learning.training.fit import Split, fit, parameter_groups
from models.learning.training.interrupt import ctrl_c
from models.learning.training.objective import Objective, cross_entropy
from models.learning.training.recipe import PLAIN, Recipe
from models.learning.training.search import Learner, best_step, learn
from models.learning.training.validation import Best, HeldLook, HeldWindows, Validation
from models.network.network import Network
from realtime.config import ConditioningConfig
from realtime.errors import ConfigError, SessionError, WeightsError
from tests.support.flashes import QUICK, SMALL, fresh, write_flashes


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in the order of one thread: two give other last bits, and here bits are compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory) -> list[Path]:
    root = tmp_path_factory.mktemp("flashes")
    return [write_flashes(root / f"run{i}", 50.0, i) for i in range(3)]


@pytest.fixture(scope="module")
def small():
    return preset("demo", SMALL)


@pytest.fixture(scope="module")
def recordings(sessions, small) -> Recordings:
    found = Recordings(sessions, small.grid, ConditioningConfig())
    found.embed(fresh(small))
    return found


def run(small, recordings, recipe=QUICK, **options):
    network = fresh(small)
    ((train, held),) = held_parts(recordings.spans(), recordings, 0.2)
    told = []
    trained = fit(network, recordings, Split(train, held), recipe, report=told.append, **options)
    return network, trained, told


# ---------------------------------------------------------------- learning
@pytest.mark.slow
def test_a_network_learns_flashes_and_is_judged_far_above_chance_on_another_run(sessions, small, tmp_path):
    recipe = Recipe(steps=80, batch=16, warmup=5, match=0, validation=0)
    result = train_sessions(Material(sessions[:2]), tmp_path / "out", small, recipe)
    assert result.trained.reason == "finished"
    found = evaluate_checkpoint(tmp_path / "out", Material(sessions[2:]))
    assert found["two_way"] > 0.9
    assert found["two_way_ci"][0] > 0.8
    assert found["null_two_way"] == pytest.approx(0.5, abs=0.08)
    assert found["n_windows"] == 24
    assert found["split"]["test"][0]["session"] == "run2"
    assert {"ten_way", "lengths", "by_run", "match", "calibration"} <= set(found)
    for side in ("eeg_only", "video_only"):
        assert found["controls"][side]["similarity"]["two_way"] == pytest.approx(0.5, abs=0.12)
    assert found["baselines"]["ridge"]["two_way"] > 0.7
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
def test_a_frame_encoder_that_is_not_frozen_is_trained_and_kept(sessions, tmp_path):
    recipe = QUICK.model_copy(update={"match_from": 0.0})
    for frozen in (True, False):
        config = preset("demo", {**SMALL, "fast.frozen": frozen})
        before = fresh(config).frame_encoders["fast"].state_dict()
        train_sessions(Material(sessions[:1]), tmp_path / f"{frozen}", config, recipe)
        after = load_checkpoint(tmp_path / f"{frozen}").network.frame_encoders["fast"].state_dict()
        changed = [not torch.equal(before[name], after[name]) for name in before]
        assert all(changed) if not frozen else not any(changed)


def test_pictures_are_scored_as_their_embeddings_would_be(sessions):
    network = fresh(preset("demo", {**SMALL, "fast.frozen": False})).eval()
    scores = []
    for to_train in (True, False):
        found = Recordings(sessions[:1], network.config.grid, ConditioningConfig())
        found.embed(network, to_train=to_train)
        assert found.shows_pictures("fast") is to_train
        windows = found.every(found.spans(), found.n_rows)
        scores.append(similarity_runs(see_windows(network, found, windows, match=False), found)[0].scores)
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)
    assert np.std(scores[0]) > 1e-2


def test_a_picture_that_stays_on_show_is_embedded_once(small):
    network, seen = fresh(small), []
    network.frame_encoders["fast"].register_forward_hook(lambda _, args, out: seen.append(len(args[0])))
    pictures = torch.randn(2, 5, 3, 32, 32).half()
    pictures[0, 2], pictures[0, 3], pictures[1, 4] = pictures[0, 1], pictures[0, 1], pictures[1, 3]
    rows = network.embedded({"fast": pictures})["fast"]
    assert seen == [7]
    whole = network.encode_frames(pictures.float(), "fast")
    assert rows == pytest.approx(whole, abs=1e-5)


def test_a_teacher_that_would_change_is_refused(sessions):
    config = preset("demo", {**SMALL, "fast.frozen": False})
    found = Recordings(sessions[:1], config.grid, ConditioningConfig())
    found.embed(fresh(config), to_train=True)
    with pytest.raises(ConfigError, match=r"fast\.frozen=true"):
        Teacher("frames:fast", found)


def test_what_a_checkpoint_was_trained_on_is_not_judged(sessions, small, tmp_path):
    train_sessions(Material(sessions[:1]), tmp_path / "out", small, QUICK)
    checkpoint = load_checkpoint(tmp_path / "out")
    material = Recordings(sessions, small.grid, ConditioningConfig())
    left = unseen(material, checkpoint)
    assert [span.session for span in left] == [1, 2]  # the block it was validated on was seen as well
    assert checkpoint.split["validation"]
    with pytest.raises(SessionError, match="trained on all"):
        evaluate_checkpoint(tmp_path / "out", Material(sessions[:1]))


def test_too_little_that_was_not_seen_is_refused_in_words(sessions, small, tmp_path):
    train_sessions(Material(sessions[:1]), tmp_path / "out", small, QUICK)
    record = tmp_path / "out" / "checkpoint.json"
    written = json.loads(record.read_text())
    written["split"]["validation"] = []
    record.write_text(json.dumps(written))
    with pytest.raises(SessionError, match="too little to set a window against nine others"):
        evaluate_checkpoint(tmp_path / "out", Material(sessions[:1]))


def test_spatial_filters_and_linear_models_of_the_training_stay_in_the_checkpoint(sessions, small, tmp_path):
    config = preset("demo", {**SMALL, "eeg.spatial": 1})
    train_sessions(Material(sessions[:2]), tmp_path / "out", config, QUICK)
    (row,) = patterns(load_checkpoint(tmp_path / "out").network)
    sign = np.sign(row["O1"])
    assert [sign * row[name] for name in ("O1", "O2", "Fp1")] == pytest.approx([1.0, 0.7, -0.5], abs=0.2)
    kept = load_models(tmp_path / "out")
    assert set(kept) == {"ridge", "banded", "cca", "responses", "mne"}
    linear = LinearModels(Recordings(sessions, config.grid, ConditioningConfig(), None))
    fitted = linear.fit(linear.recordings.spans()[:2])
    test = linear.recordings.spans()[2:]
    for name, runs in linear.score(kept, test).items():
        assert np.allclose(runs[0].scores, linear.score(fitted, test)[name][0].scores)


def test_runs_of_equal_names_are_told_apart_by_the_folders_above_them():
    paths = [Path("/data/anna/run1"), Path("/data/ben/run1"), Path("/data/ben/run2")]
    assert names_of(paths) == ["anna/run1", "ben/run1", "run2"]


# ---------------------------------------------------------------- going on
def test_a_training_that_was_stopped_goes_on_to_the_very_same_weights(small, recordings, tmp_path):
    whole, _, _ = run(small, recordings)
    taken = []
    stopped, first, _ = run(
        small, recordings, state=tmp_path / "state", stop=lambda: taken.append(0) or len(taken) > 7
    )
    assert (first.reason, first.steps) == ("interrupted", 7)
    assert not torch.equal(weights(stopped), weights(whole))
    resumed, last, told = run(small, recordings, state=tmp_path / "state")
    assert (last.reason, last.steps, told[0].step) == ("finished", 12, 8)
    assert torch.equal(weights(resumed), weights(whole))


def weights(network: Network) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


KILLED = """
import sys, os, signal, torch
from tests.models.learning.test_training import QUICK, SMALL, Material, preset, train_sessions
torch.set_num_threads(1)
def report(p):
    if p.step == 10: os.kill(os.getpid(), signal.{signal})
result = train_sessions(Material(sys.argv[2:]), sys.argv[1], preset("demo", SMALL), QUICK, report=report)
print(result.trained.reason, result.trained.steps)
"""


def in_a_process(ending: str, out: Path, sessions: list[Path]) -> subprocess.CompletedProcess[str]:
    """Train in a process that gets a signal after step 10."""
    command = [sys.executable, "-c", KILLED.format(signal=ending), str(out), *map(str, sessions)]
    return subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)


@pytest.mark.slow
def test_after_kill_9_the_same_command_ends_where_an_undisturbed_one_does(sessions, small, tmp_path):
    command = [
        sys.executable,
        "-c",
        KILLED.format(signal="SIGKILL"),
        str(tmp_path / "killed"),
        *map(str, sessions),
    ]
    assert subprocess.run(command, cwd=Path(__file__).parents[3]).returncode == -signal.SIGKILL
    steps = []
    result = train_sessions(
        Material(sessions), tmp_path / "killed", small, QUICK, report=lambda p: steps.append(p.step)
    )
    assert steps[0] == 9  # the last state was written after step 8
    train_sessions(Material(sessions), tmp_path / "whole", small, QUICK)
    names = [
        json.loads((tmp_path / f / "checkpoint.json").read_text())["weights"] for f in ("killed", "whole")
    ]
    assert names[0] == names[1]
    assert not (result.folder / "training.state").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_that_loads(sessions, tmp_path):
    command = [
        sys.executable,
        "-c",
        KILLED.format(signal="SIGINT"),
        str(tmp_path / "out"),
        *map(str, sessions),
    ]
    ended = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert ended.stdout.split() == ["interrupted", "10"], ended.stderr
    assert load_checkpoint(tmp_path / "out").metrics["training"]["steps"] == 10


def test_the_first_ctrl_c_is_a_question_and_the_second_an_interrupt():
    before = signal.getsignal(signal.SIGINT)
    with ctrl_c() as pressed:
        assert not pressed()
        os.kill(os.getpid(), signal.SIGINT)
        deadline = time.monotonic() + 2
        while not pressed() and time.monotonic() < deadline:
            pass
        assert pressed()
        assert signal.getsignal(signal.SIGINT) == before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_state_of_another_training_and_a_damaged_one_are_refused(small, recordings, tmp_path):
    run(small, recordings, state=tmp_path / "state", stop=lambda: True)
    with pytest.raises(WeightsError, match="another lr"):
        run(small, recordings, QUICK.model_copy(update={"lr": 1e-3}), state=tmp_path / "state")
    (tmp_path / "state").write_bytes(b"PK damaged")
    with pytest.raises(WeightsError, match="remove it"):
        run(small, recordings, state=tmp_path / "state")


def test_the_same_seed_gives_the_same_weights_and_another_one_others(small, recordings):
    one, again = (weights(run(small, recordings)[0]) for _ in range(2))
    other = weights(run(small, recordings, QUICK.model_copy(update={"seed": 1}))[0])
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


# ---------------------------------------------------------------- what a live session would see
def test_each_window_brings_the_earlier_intervals_that_a_live_session_remembers(recordings):
    first = recordings.n_rows
    windows = Windows(np.array([0, 1]), np.array([first + 20, first + 200]))
    every, there = with_context(recordings, windows, 2)
    assert every.session.tolist() == [0, 1] * 3
    assert every.end[:4].tolist() == [first + 20, first + 200, first + 20, first + 120]  # 80 slots a stride
    assert there.tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize("masks", ["own+1", "past", "global"])
def test_a_training_and_its_judging_read_what_the_masks_let_a_live_session_read(small, recordings, masks):
    config = small.model_copy(update={"masks": masks, "context": 1})
    network, trained, told = run(config, recordings, QUICK.model_copy(update={"match_from": 0.0}))
    assert trained.steps == QUICK.steps
    assert all(np.isfinite(p.loss) for p in told)
    windows = recordings.every([Span(0, 0, 700)], 80)
    with_it = see_windows(network.eval(), recordings, windows).match[0]
    alone = Network(small, network.labels).eval()
    alone.load_state_dict(network.state_dict())
    without = see_windows(alone, recordings, windows).match[0]
    assert torch.isfinite(with_it).all()
    assert torch.allclose(with_it[:, 0], without[:, 0], atol=1e-5)  # nothing came before the first
    assert not torch.allclose(with_it[:, 1:], without[:, 1:], atol=1e-5)


def test_cues_lay_the_share_and_the_agreement_on_the_place_they_name(small, recordings):
    """One window has a cue on the left upper quarter: that place is seen, and it alone is asked for."""
    objective = Objective(fresh(small), QUICK.model_copy(update={"seen_places": 1}))
    batch = recordings.batch(recordings.every(recordings.spans(), 1500))
    assert objective.cues(batch) is None
    box = batch.box.clone()
    box[0] = torch.tensor([0.0, 0.0, 0.5, 0.5])
    cued = batch._replace(box=box)
    cues = objective.cues(cued)
    assert cues[0].tolist() == [0, 1, 0, 0, 0]
    assert not cues[1:].any()
    for seed in range(5):
        torch.manual_seed(seed)
        assert objective.choose_places(cued, cues)[0].tolist() == [0, 1]
    shares = torch.tensor([[0.1, 0.5, 0.2, 0.1, 0.1]] * len(cues))
    assert float(cross_entropy(shares, cues)) == pytest.approx(-np.log(0.5))
    terms = objective(cued, QUICK.steps)
    assert float(terms["cue"].detach()) > 0
    assert "cue" not in objective(batch, QUICK.steps)


# ---------------------------------------------------------------- what is minimised
def test_half_precision_begins_with_the_same_loss_and_learns(small, recordings):
    _, _, full = run(small, recordings)
    _, _, half = run(small, recordings, QUICK.model_copy(update={"precision": "bf16-mixed"}))
    assert half[0].loss == pytest.approx(full[0].loss, rel=0.02)
    assert half[5].loss < half[0].loss  # the match joins in with the next


def test_the_match_begins_when_it_should_and_shares_of_the_gradient_sum_to_one(small, recordings):
    recipe = QUICK.model_copy(update={"distil": "distribution", "reconstruct": 0.1, "warm_up": 4})
    _, _, told = run(small, recordings, recipe)
    assert [("match" in p.terms) for p in told] == [False] * 6 + [True] * 6
    assert told[0].terms["distil"] == told[0].terms["reconstruct"] == 0.0
    assert told[5].terms["distil"] > 0
    shares = told[9].shares
    terms = {"similarity", "mixture", "match", "readout", "share", "distil", "reconstruct"}
    assert set(shares) == terms
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(share > 0 for share in shares.values()), shares


@pytest.mark.parametrize("loss", ["siglip", "infonce", "multi_positive", "joint_ce"])
@pytest.mark.parametrize("distil", ["none", "distribution", "multi_positive", "feature"])
def test_every_loss_goes_with_every_distillation(small, recordings, loss, distil):
    recipe = QUICK.model_copy(update={"loss": loss, "distil": distil, "steps": 2, "check_every": 9})
    _, trained, told = run(small, recordings, recipe)
    assert trained.steps == 2
    assert all(np.isfinite(p.loss) for p in told)


def test_vectors_and_the_scale_and_bias_of_the_loss_are_not_decayed(small):
    objective = Objective(fresh(small), QUICK)
    groups = parameter_groups(objective, QUICK)
    free = {id(p) for p in groups[1]["params"]}
    assert groups[1]["weight_decay"] == 0.0
    assert {id(objective.network.log_scale), id(objective.network.bias)} <= free
    assert all(p.ndim > 1 for p in groups[0]["params"])
    assert float(objective.network.bias.detach()) == pytest.approx(-np.log(QUICK.batch - 1))


def test_frame_encoders_stay_as_they_were_cached(small, recordings):
    network, _, _ = run(small, recordings)
    before = fresh(small).frame_encoders.state_dict()
    assert all(
        torch.equal(value, before[name]) for name, value in network.frame_encoders.state_dict().items()
    )


def test_the_eeg_embedding_does_not_depend_on_the_video(small, recordings):
    network = fresh(small).eval()
    windows = recordings.every(recordings.spans(), 80)
    plain = see_windows(network, recordings, windows)
    other = see_windows(network, recordings, windows, change=controls.same_video)
    assert torch.equal(plain.eeg, other.eeg)
    assert not torch.equal(plain.video, other.video)


def test_scores_of_halves_average_to_the_score_of_the_whole(small, recordings):
    seen = see_windows(fresh(small).eval(), recordings, recordings.every(recordings.spans(), 80), match=False)
    whole, halves = similarity_runs(seen, recordings), similarity_runs(seen, recordings, parts=2)
    for one, two in zip(whole, halves, strict=True):
        assert np.allclose((two.scores[::2, ::2] + two.scores[1::2, 1::2]) / 2, one.scores, atol=1e-6)
        assert np.allclose(two.starts[1::2] - two.starts[::2], 1.0)


# ---------------------------------------------------------------- augmentation, early stopping, folds
def test_augmentation_silences_shifts_and_adds_noise_as_told(recordings):
    batch = recordings.batch(recordings.every(recordings.spans(), 300))
    torch.manual_seed(0)
    plain = Recipe(**PLAIN)
    silent = augment(batch, plain.model_copy(update={"channel_drop": 0.7}), 5)
    heard = silent.eeg_valid.any(dim=2).sum(dim=1)
    assert set(heard.tolist()) == {1, 2, 3}  # never none
    assert silent.eeg is batch.eeg
    noisy = augment(batch, plain.model_copy(update={"noise": 0.5}), 5)
    added = (noisy.eeg - batch.eeg) / batch.eeg_scale[:, :, None]
    assert float(added.std()) == pytest.approx(0.5, rel=0.05)
    shifted = augment(batch, plain.model_copy(update={"shift_slots": 2}), 5)
    for before, after, valid in zip(batch.eeg, shifted.eeg, shifted.eeg_valid, strict=True):
        shifts = [k for k in range(-10, 11, 5) if torch.equal(before.roll(k, 1), after)]
        assert shifts
        assert int((~valid).sum()) == 3 * abs(shifts[0])
    assert augment(batch, plain, 5) == batch


def test_the_best_weights_are_kept_and_never_later_ones_that_are_nearly_as_good():
    best = Best()
    assert best.waited(50) == 0
    looks = [(10, 0.70, True), (20, 0.80, True), (30, 0.79, False), (40, 0.80, False), (50, 0.60, False)]
    for step, score, kept in looks:
        assert best.take(step, Validation(score, 0.02, score, None)) is kept
    assert (best.step, best.score, best.waited(50)) == (20, 0.80, 30)
    assert best.take(60, Validation(0.65, 0.02, 0.80, 0.50))  # the match has begun: a new score
    assert best.step == 60


def test_a_training_ends_early_when_looks_stay_worse(small, recordings, monkeypatch):
    falling = iter(range(100))
    nothing = Scored(np.zeros((2, 2)), np.array([0.0, 9.0]))
    monkeypatch.setattr(
        "models.learning.training.fit.look_at",
        lambda *_, cued: HeldLook(Validation(1.0 - next(falling) / 10, 0.01, 0.5, None), nothing),
    )
    _, trained, _ = run(small, recordings, QUICK.model_copy(update={"check_every": 2, "patience": 3}))
    assert (trained.reason, trained.steps, trained.best_step) == ("early", 6, 0)


# ---------------------------------------------------------------- steps by the data
def test_steps_follow_the_minutes_of_data_unless_they_are_given():
    assert [Recipe().for_minutes(m).steps for m in (2, 6, 20, 200)] == [248, 424, 600, 600]
    # a third of all steps, four looks at least
    assert [Recipe().for_minutes(m).waits for m in (2, 6, 20)] == [100, 141, 200]
    assert Recipe(patience=3, check_every=10).for_minutes(20).waits == 30
    assert Recipe(steps=7).for_minutes(20).steps == 7
    with pytest.raises(ValueError, match="for_minutes"):
        assert Recipe().last_step


def test_the_average_of_the_weights_is_what_is_judged_and_kept(small, recordings):
    """Written out: an average over a tenth of the steps so far, from the weights of each step."""
    network, seen = fresh(small), []
    name = "eeg_tower.encoder.conv.weight"
    expected = network.state_dict()[name].clone()
    recipe = QUICK.model_copy(update={"ema": 0.5, "match": 0.0})

    def report(progress):
        seen.append(network.state_dict()[name].clone())

    fit(network, recordings, Split(recordings.spans()), recipe, report=report)
    for n, value in enumerate(seen, 1):
        kept = min(0.5, (1 + n) / (10 + n))
        expected = kept * expected + (1 - kept) * value
    assert torch.allclose(network.state_dict()[name], expected, atol=1e-6)
    assert not torch.allclose(seen[-1], expected, atol=1e-4)


def scored(strength: float, seed: int) -> Scored:
    rng = np.random.default_rng(seed)
    return Scored(rng.standard_normal((30, 30)) + strength * np.eye(30), np.arange(0.0, 60.0, 2.0))


def test_the_step_is_found_over_all_parts_and_one_lucky_look_does_not_decide():
    strengths = {0: 0.0, 25: 1.0, 50: 1.6, 75: 1.6, 100: 1.6, 125: 0.8, 150: 0.4}
    parts = [{step: scored(s, 7 * step + k) for step, s in strengths.items()} for k in range(3)]
    parts[1] |= {175: scored(9.0, 0)}  # seen of one part alone
    step, _, history = best_step(parts)
    assert step == 75
    assert [look["step"] for look in history] == list(strengths)
    unchanged_is_best = [{0: scored(2.0, k), 25: scored(0.5, k), 50: scored(0.5, k)} for k in range(3)]
    assert best_step(unchanged_is_best)[0] == 0


def test_what_was_found_is_learned_again_on_all_of_the_data(small, recordings):
    told = []
    recipe = QUICK.model_copy(update={"refit": True, "validation": None})
    learner = Learner(lambda spans: fresh(small), recordings, recipe, (), told.append)
    found = learn(learner, recordings.spans())
    assert found.sought is not None
    assert found.trained.steps == found.sought.step
    assert found.split["validation"] == []
    assert [part["to_s"] - part["from_s"] for part in found.split["train"]] == pytest.approx(
        [50.0] * 3, abs=1
    )
    assert len(found.sought.parts) == len(found.sought.judged) == 3
    phases = list(dict.fromkeys(p.phase for p in told))
    assert phases == [f"without part {k} of 3" for k in (1, 2, 3)] + ["on all data"]
    by_hand = fresh(small)
    until = recipe.model_copy(update={"until": found.sought.step})
    fit(by_hand, recordings, Split(recordings.spans(), (), found.split), until)
    assert torch.equal(weights(by_hand), weights(found.network))


def test_held_out_windows_are_those_of_the_blocks_alone(recordings):
    ((_, held),) = held_parts(recordings.spans(), recordings, 0.2)
    windows = HeldWindows.of(recordings, held).windows
    for session, end in zip(*windows, strict=True):
        assert any(s.session == session and s.start + recordings.n_rows <= end < s.stop for s in held)
    assert HeldWindows.of(recordings, []) is None


def test_masked_stretches_reach_the_tower_as_missing(small, recordings):
    recipe = QUICK.model_copy(update={"reconstruct": 1.0})
    objective = Objective(fresh(small), recipe)
    assert isinstance(objective.reconstruction, distillation.Reconstruction)
    batch: WindowBatch = recordings.batch(recordings.every(recordings.spans(), 300))
    loss = objective.reconstruct_loss(batch)
    loss.backward()
    assert float(loss.detach()) > 0
    assert float(objective.network.eeg_tower.encoder.conv.weight.grad.abs().sum()) > 0


def test_under_two_minutes_the_linear_model_is_recommended(sessions, small, tmp_path):
    result = train_sessions(Material(sessions[:1]), tmp_path / "out", small, QUICK)
    assert "linear model" in result.advice
    assert LinearEngine.is_in(tmp_path / "out")
