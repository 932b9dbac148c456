"""A model of the person who sits there, by keys and clicks: recorded, learned, judged, and in use."""

from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import Qt

from experiment.person.training import TrainingRequest
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.session_page import SessionPage
from gui.setup.person_form import PersonDialog
from tests.support.window.user import Steps, User, click, press, shown

TINY = {"steps": 4, "batch": 8, "check_every": 2, "match": 0.0}


@pytest.mark.long
def test_film_to_model_in_use_by_keys_and_clicks(headset, film, tmp_path, own_layout, command, monkeypatch):
    application()
    monkeypatch.setattr("experiment.person.offer.TrainingRequest", partial(TrainingRequest, recipe=TINY))
    seen: list[str] = []

    def make_a_model() -> Steps:
        yield lambda: shown(SessionPage) and shown(SessionPage).view.readings.get() is not None
        page, window = shown(SessionPage), shown(MainWindow)
        window.activateWindow()
        yield window.isActiveWindow
        press(Qt.Key.Key_C)
        yield lambda: shown(PersonDialog)
        dialog = shown(PersonDialog)
        assert "photosensitive" in " ".join(each.text() for each in dialog.notes)
        dialog.minutes.setValue(0.5)
        dialog.sub.setText("07")
        dialog.out.setText(str(tmp_path / "model"))
        click(dialog.start)
        bar = page.calibration
        yield lambda: bar.isVisible() and bar.words.text().startswith("Recording")
        yield page.header.recording.isVisible
        yield lambda: bar.words.text().startswith("Training")
        yield bar.use.isVisible
        seen.append(bar.words.text())
        click(bar.use)
        yield lambda: page.view.card.weights == str(tmp_path / "model") or "model" in page.view.card.weights
        seen.append(bar.words.text())
        window.close()

    user = User(make_a_model())
    summary = command(
        "live", "--eeg", f"source_id={headset.source_id}", "--video", film, "--out", tmp_path / "sessions"
    )
    user.check()
    assert summary["errors"] == []
    assert "95 %" in seen[0] or "too little data" in seen[0].lower()
    assert seen[1].startswith("In use")
    (folder,) = (tmp_path / "sessions").iterdir()
    assert folder.name.startswith("sub-07_")
