"""A model of the person who sits there, by keys and clicks: recorded, learned, judged, and in use."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import Qt

from experiment.person.training import TrainingRequest
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.session_page import SessionPage
from gui.setup.person_form import PersonDialog
from tests.support.window.film import small_film
from tests.support.window.user import Steps, User, click, press, shown

TINY = {"steps": 4, "batch": 8, "check_every": 2, "match": 0.0}
SLOWEST_S = 240.0  # from the first sample of two minutes to a model in use


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("minutes", "recipe"), [(0.5, TINY), (2.0, {})], ids=["a few steps", "two minutes"])
def test_film_to_model_in_use_by_keys_and_clicks(
    minutes, recipe, headset, tmp_path, own_layout, command, monkeypatch
):
    application()
    monkeypatch.setattr("experiment.person.offer.TrainingRequest", partial(TrainingRequest, recipe=recipe))
    film = small_film(tmp_path / "film.mkv", 60 * minutes + 30)
    seen: list[str] = []
    times: list[float] = []

    def make_a_model() -> Steps:
        yield lambda: shown(SessionPage) and shown(SessionPage).view.readings.get() is not None
        page, window = shown(SessionPage), shown(MainWindow)
        window.activateWindow()
        yield window.isActiveWindow
        press(Qt.Key.Key_C)
        yield lambda: shown(PersonDialog)
        dialog = shown(PersonDialog)
        assert "photosensitive" in " ".join(each.text() for each in dialog.notes)
        dialog.minutes.setValue(minutes)
        dialog.sub.setText("07")
        dialog.out.setText(str(tmp_path / "model"))
        times.append(time.monotonic())
        click(dialog.start)
        bar = page.calibration
        yield lambda: bar.isVisible() and bar.words.text().startswith("Recording")
        yield page.header.recording.isVisible
        yield lambda: bar.words.text().startswith("Training")
        yield bar.use.isVisible
        seen.append(bar.words.text())
        before = page.view.card.weights
        click(bar.use)
        yield lambda: page.view.card.weights != before  # the network, a linear model, or their sum
        seen.append(page.view.card.weights)
        times.append(time.monotonic())
        seen.append(bar.words.text())
        window.close()

    user = User(make_a_model(), patience_s=2 * 60 * minutes + 60)
    summary = command(
        "live", "--eeg", f"source_id={headset.source_id}", "--video", film, "--out", tmp_path / "sessions"
    )
    user.check()
    assert summary["errors"] == []
    assert "95 %" in seen[0] or "too little data" in seen[0].lower()
    assert seen[-1].startswith("In use")
    (folder,) = (tmp_path / "sessions").iterdir()
    assert folder.name.startswith("sub-07_")
    print(f"{minutes:g} min of data: in use after {np.diff(times)[0]:.0f} s. {seen[0]} Runs: {seen[1]}")
    assert np.diff(times)[0] < SLOWEST_S
