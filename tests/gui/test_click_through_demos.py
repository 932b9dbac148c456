"""The demos and a blind sham by mouse and keys in the real window, from the first page to what came of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel

from experiment.state import BLIND
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.first_run import FirstRun
from gui.pages.outcome import Next, Outcome
from gui.pages.session_page import SessionPage
from gui.program import Program
from gui.setup.session_form import SessionForm
from gui.verdict import Verdict
from realtime.virtual.film.objects import ObjectsFilm
from tests.support.window.user import Steps, User, click, press, shown

DEMO, ATTEND = 0, 1  # places on the first page
FIGURE = re.compile(r"[+−-]?\d\.\d\d")


def in_front(window: MainWindow) -> None:
    window.activateWindow()  # as a window manager does, which a bare display has none of


def live_through(steps: Steps, tmp_path, settings) -> dict:
    """Start with the first page; the summary of the last session."""
    application()
    program = Program(tmp_path / "sessions", settings=settings)
    QTimer.singleShot(0, lambda: in_front(program.window))
    user = User(steps)
    summary = program.run()
    user.check()
    return summary


@pytest.mark.slow
def test_the_demo_from_the_first_page_to_what_came_of_it(tmp_path, own_layout):
    sentences: set[str] = set()

    def watch() -> Steps:
        yield lambda: shown(FirstRun)
        click(shown(FirstRun).buttons[DEMO])
        yield lambda: shown(SessionPage) and shown(SessionPage).similarity.has_content
        page = shown(SessionPage)
        assert page.caption.isVisible()  # a demo says what happens in plain words
        assert page.header.mode.text() == "Demo"
        yield lambda: page.header.eeg.state.text() == "● LIVE" and page.header.video.state.text() == "● LIVE"
        sentences.add(page.caption.text())
        yield lambda: page.feedback.isVisible() and "baseline" in page.feedback.phase.text()
        for panel in (page.eeg, page.video, page.strip, page.attention, page.scalp):
            yield lambda panel=panel: panel.has_content
        assert page.view.card.weights == "demo"
        assert page.health.weights.text() == "weights demo"
        press(Qt.Key.Key_O)
        yield lambda: not page.video.picture.overlay
        press(Qt.Key.Key_T)
        yield lambda: shown(MainWindow).tour is not None
        press(Qt.Key.Key_Escape)
        yield lambda: shown(MainWindow).tour is None
        click(page.header.end)
        yield lambda: shown(Outcome)
        assert not shown(Outcome).notice.isVisible()
        click(shown(Outcome).buttons[Next.START])
        yield lambda: shown(FirstRun)
        press(Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

    summary = live_through(watch(), tmp_path, own_layout)
    assert summary["errors"] == []
    assert summary["readings"] > 0
    assert summary["weights"] == "demo"
    assert sentences <= {verdict.sentence for verdict in Verdict}
    assert not (tmp_path / "sessions").exists()  # nobody pressed Record


@pytest.mark.long
def test_the_attend_demo_shows_map_truth_and_hit_rate(tmp_path, own_layout, monkeypatch):
    monkeypatch.setattr("experiment.state.LEAST_N", 1)  # ten windows take half a minute
    shares: list[np.ndarray] = []

    def watch() -> Steps:
        yield lambda: shown(FirstRun)
        click(shown(FirstRun).buttons[ATTEND])
        yield lambda: shown(SessionPage)
        page = shown(SessionPage)
        for name in page.docks.shown() - {"video"}:
            page.toggle_panel(name)  # the cores are for the attender and the network
        yield lambda: page.view.readings.get() is not None
        yield lambda: page.video.note.words.startswith("attends ")
        yield lambda: re.search(
            r"right \d\.\d\d \[\d\.\d\d, \d\.\d\d\] n=\d+, chance 0\.25", page.video.note.words
        )
        shares.append(page.view.readings.get().value.attention.places)
        assert page.video.picture.overlay
        assert not page.video.ramp.isVisible()
        press(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
        yield lambda: shown(Outcome)
        shown(MainWindow).close()

    summary = live_through(watch(), tmp_path, own_layout)
    assert summary["errors"] == []
    assert summary["weights"] == "attend"
    assert summary["attended_n"] >= 1
    assert 0 <= summary["attended_hit_rate"] <= 1
    (places,) = shares
    assert places.sum() <= 1 + 1e-5
    assert places.std() > 0  # a map, not an even share
    assert ObjectsFilm().n_objects == 4  # so chance is 0.25


@pytest.mark.slow
def test_a_blind_sham_shows_the_feedback_and_not_the_fit_and_its_report_tells(
    headset, film, tmp_path, own_layout, command, monkeypatch
):
    application()
    browsed: list[str] = []
    monkeypatch.setattr("webbrowser.open", browsed.append)
    monkeypatch.setattr("experiment.feedback_options.secrets.randbelow", lambda n: 0 if n == 2 else 5)
    levels: list[float] = []

    def run_blind() -> Steps:
        yield lambda: shown(SessionPage)
        page, window = shown(SessionPage), shown(MainWindow)
        in_front(window)
        yield window.isActiveWindow
        press(Qt.Key.Key_R)
        yield lambda: shown(SessionForm)
        click(shown(SessionForm).start)
        yield lambda: page.header.recording.isVisible()
        in_front(window)
        yield window.isActiveWindow
        yield lambda: page.view.readings.get() is not None and page.similarity.empty.text == BLIND
        press(Qt.Key.Key_P)
        press(Qt.Key.Key_F)
        yield lambda: window.feedback_window is not None and window.feedback_window.level is not None
        levels.append(window.feedback_window.level)
        assert not page.similarity.has_content
        assert page.similarity.banner.isVisible()  # untrained is said here, too
        told = [label.text() for label in page.similarity.findChildren(QLabel) if label.isVisible()]
        assert not any(FIGURE.search(text) for text in told)
        assert "sham" not in " ".join(label.text() for label in page.findChildren(QLabel)).lower()
        click(page.feedback.window_button)
        click(page.header.record)
        yield page.saved.isVisible
        click(page.saved.report)
        yield lambda: browsed
        window.close()

    user = User(run_blind())
    options = ("baseline_s=1", "hold_s=0", "longest_s=1", "refractory_s=0.5")
    summary = command(
        "live", "--eeg", f"source_id={headset.source_id}", "--video", film, "--out", tmp_path / "sessions",
        "--sham", "random", "--blind", *(word for option in options for word in ("--feedback-set", option)),
    )  # fmt: skip
    user.check()
    assert summary["errors"] == []
    assert summary["video"]["similarity_mean"] is None
    assert 0 <= levels[0] <= 1
    (folder,) = (tmp_path / "sessions").iterdir()
    report = (folder / "report.html").read_text()
    assert "random" in report
    assert json.loads((folder / "manifest.json").read_text())
