"""Several people in one model: whose layer reads whose EEG, what is learned in it, and who joins later."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from commands.app import app
from experiment.model_choice import ModelChoice
from models.checkpoint import load_checkpoint, save_checkpoint
from models.config import preset
from models.learning.crossval import trained
from models.learning.judging.views import see
from models.learning.people import joined_by, of_people, with_people
from models.learning.train import Material, prepare
from models.network.network import Network
from realtime.errors import ConfigError
from recordings.session.naming import subject_of
from tests.support.flashes import QUICK, SMALL, fresh, write_flashes

LABELS = ("O1", "O2", "Fp1")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A session of anna's and one of ben's, whose electrodes were mixed up."""
    folder = tmp_path_factory.mktemp("people")
    return [write_flashes(folder / f"sub-{who}" / "run-01", 30.0, i) for i, who in enumerate(("anna", "ben"))]


def eeg(n: int):
    shape = (n, 3, 500)
    return 20 * torch.randn(shape), torch.ones(shape, dtype=torch.bool), torch.full((n, 3), 10.0)


def knows_two() -> Network:
    network = fresh(of_people(preset("demo", SMALL), ("anna", "ben"))).eval()
    with torch.no_grad():
        network.eeg_tower.subjects.change[0] = 0.5 * torch.randn(3, 3)
    return network


def test_each_persons_eeg_goes_through_their_own_layer_and_a_strangers_through_the_mean():
    network, given = knows_two(), eeg(1)
    anna, ben, stranger = (network.encode_eeg(*given, person=torch.tensor([i])).grid for i in (0, 1, -1))
    plain = fresh(preset("demo", SMALL))
    plain.load_state_dict(network.state_dict(), strict=False)
    assert torch.allclose(ben, plain.eval().encode_eeg(*given).grid, atol=1e-6)  # still the identity
    assert not torch.allclose(anna, ben, atol=1e-3)
    halfway = network.eeg_tower.subjects.change.detach().mean(dim=0)
    with torch.no_grad():
        network.eeg_tower.subjects.change[0] = halfway
    assert torch.allclose(network.encode_eeg(*given, person=torch.tensor([0])).grid, stranger, atol=1e-5)


def test_whom_it_was_told_of_is_read_by_default_and_of_a_stranger_it_says_so():
    network, given = knows_two(), eeg(2)
    assert network.choose("anna") == ""
    assert torch.equal(
        network.encode_eeg(*given).grid, network.encode_eeg(*given, person=torch.tensor([0, 0])).grid
    )
    said = network.choose("carla")
    assert "not 'carla'" in said
    assert "--from" in said
    assert fresh(preset("demo", SMALL)).choose("carla") == ""


def test_sessions_of_two_people_are_learned_with_a_layer_each_where_they_are_named(two, tmp_path):
    config = preset("demo", SMALL)
    assert [subject_of(path) for path in two] == ["anna", "ben"]
    assert with_people(config, two).eeg.people == ("anna", "ben")
    assert with_people(config, two[:1]).eeg.people == ()
    assert with_people(preset("demo", {**SMALL, "eeg.subject_layers": "false"}), two).eeg.people == ()
    assert with_people(config, [*two, tmp_path / "nobody"]).eeg.people == ()
    with pytest.raises(ConfigError, match="record with --sub"):
        with_people(preset("demo", {**SMALL, "eeg.subject_layers": "true"}), [*two, tmp_path / "nobody"])


def test_the_command_writes_both_layers_and_a_session_takes_its_persons(two, tmp_path, capsys):
    settings = {**SMALL, "recipe.steps": 3, "recipe.batch": 8, "recipe.validation": 0, "recipe.match": 0}
    chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    out = tmp_path / "pooled"
    done = CliRunner().invoke(app, ["train", *map(str, two), "--out", str(out), "--json", *chosen])
    assert done.exit_code == 0, done.exception
    record = json.loads((out / "checkpoint.json").read_text(encoding="utf-8"))
    assert record["config"]["eeg"]["people"] == ["anna", "ben"]
    network = load_checkpoint(out).network
    assert network.eeg_tower.subjects.change.detach().abs().amax(dim=(1, 2)).min() > 0  # both have learned
    out = save_checkpoint(tmp_path / "network", network, "network")  # without linear models that stand in
    engine = ModelChoice(weights=str(out), person="ben").build(LABELS)
    assert int(engine.network.eeg_tower.subjects.chosen) == 1
    ModelChoice(weights=str(out), person="carla").build(LABELS)
    assert "not 'carla'" in capsys.readouterr().err


def test_batches_number_people_as_the_network_at_hand_does(two):
    config = with_people(preset("demo", SMALL), two)
    network, recordings = prepare(Material(two), config, QUICK)
    windows = recordings.every(recordings.spans(), recordings.grid.n_slots)
    assert recordings.batch(windows).person.tolist() == windows.session.tolist()
    with torch.no_grad():
        network.eeg_tower.subjects.change[1] = 0.5 * torch.randn(3, 3)
    mine = windows.session == 1
    seen = see(network.eval(), recordings, windows, fusion=False).eeg.grid[torch.from_numpy(mine)]
    given = recordings.batch(windows)
    again = network.encode_eeg(
        given.eeg[mine], given.eeg_valid[mine], given.eeg_scale[mine], person=given.person[mine]
    )
    assert torch.equal(seen, again.grid)


def test_at_first_the_layers_alone_are_learned_where_that_is_asked(two):
    recipe = QUICK.model_copy(update={"steps": 2, "layer_first": 2, "validation": 0.0})
    config = with_people(preset("demo", SMALL), two)
    before, recordings = prepare(Material(two), config, recipe)
    after = trained(config, recipe, recordings, recordings.spans())
    moved = {
        name
        for name, weights in before.named_parameters()
        if not torch.equal(weights, dict(after.named_parameters())[name])
    }
    assert moved == {"eeg_tower.subjects.change", "bias"}  # the bias begins at that of the batch


def test_one_who_joins_begins_with_the_mean_and_changes_nothing_for_the_others(tmp_path):
    network, given = knows_two(), eeg(1)
    wider = joined_by(network, "carla")
    assert wider.config.eeg.people == ("anna", "ben", "carla")
    carla, stranger = wider.number_of("carla"), torch.tensor([-1])
    assert torch.allclose(
        wider.encode_eeg(*given, person=torch.tensor([carla])).grid,
        network.encode_eeg(*given, person=stranger).grid,
        atol=1e-6,
    )
    for number in (0, 1):
        person = torch.tensor([number])
        assert torch.equal(
            wider.encode_eeg(*given, person=person).grid, network.encode_eeg(*given, person=person).grid
        )
    assert joined_by(network, "anna") is network
    save_checkpoint(tmp_path / "wider", wider, "wider")
    assert load_checkpoint(tmp_path / "wider").network.number_of("carla") == carla


def test_somebody_new_to_a_model_of_several_people_learns_their_own_layer_first(tmp_path):
    pooled = save_checkpoint(tmp_path / "pooled", knows_two(), "pooled")
    session = write_flashes(tmp_path / "sub-carla" / "run-01", 30.0, 2)
    few = {"recipe.steps": 4, "recipe.batch": 8, "recipe.validation": 0, "recipe.refit": "false"}
    chosen = [word for name, value in few.items() for word in ("--set", f"{name}={value}")]
    out = tmp_path / "carla"
    words = ["train", session, "--from", pooled, "--recipe", "new-person", "--out", out, *chosen]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    before, after = knows_two(), load_checkpoint(out).network
    assert after.config.eeg.people == ("anna", "ben", "carla")
    was, now = before.eeg_tower.subjects.change, after.eeg_tower.subjects.change
    assert torch.allclose(now[:2], was, atol=1e-3)  # weight decay alone
    assert not torch.allclose(now[2], was.mean(dim=0))
    trunk = {name: weights for name, weights in before.named_parameters() if ".subjects." not in name}
    assert trunk.pop("bias") is not None  # begins at that of the batch
    for name, weights in trunk.items():
        assert torch.equal(weights, dict(after.named_parameters())[name]), name
