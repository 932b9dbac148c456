"""Every figure on the page says what it is, its unit and what is good."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from experiment.state import Actions, FeedbackShown, Mode
from gui.app import application
from gui.main_window import MainWindow
from realtime.types import Chance
from tests.support.fake_view import FakeTransport, FakeView


@pytest.fixture
def open_window(qtbot, tmp_path):
    application()
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)

    def opened(view, mode=Mode.LIVE, actions=None, seconds=60.0) -> MainWindow:
        for n in range(int(4 * seconds)):
            view.advance(1000 + n / 4)
        window = MainWindow(view, mode, actions or Actions(), settings)
        qtbot.addWidget(window)
        window.resize(1920, 1080)
        window.show()
        for _ in range(16):
            window.draw()
        return window

    return opened


def tips(widget: QWidget | None) -> list[str]:
    """What is said of a widget, its own words first, up to the page."""
    said = []
    while widget is not None and widget.objectName() != "page":
        said.append(widget.toolTip())
        widget = widget.parentWidget()
    return [words for words in said if words]


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.REPLAY])
def test_every_figure_says_what_it_is_its_unit_and_what_is_good(open_window, mode):
    transport = FakeTransport(1000.0, 90.0) if mode is Mode.REPLAY else None
    actions = Actions(
        toggle_recording=print, recorded_s=lambda: 75.0, feedback=lambda: FeedbackShown(0.7, 0.6)
    )
    window = open_window(FakeView(n_others=1, transport=transport), mode, actions)
    figures = [
        label
        for label in window.page.findChildren(QLabel)
        if label.isVisible() and re.search(r"\d", label.text()) and label is not window.page.caption
    ]
    assert len(figures) >= 14
    in_panels = [label for label in figures if window.page.docks.isAncestorOf(label)]
    for label in figures:
        assert tips(label), label.text()
    parts = (window.page.health.backend, window.page.health.weights)  # names, not measures
    for label in set(figures) - set(in_panels) - set(parts):  # the bars
        first = tips(label)[0]
        assert re.search(r"\nUnit: .+\nGood: .+", first), (label.text(), first)
    similarity = window.page.similarity
    for label in (similarity.figures.similarity, similarity.figures.match, similarity.accuracy.value):
        assert "\nUnit: " in tips(label)[0]
        assert "\nGood: " in tips(label)[0]


@pytest.mark.parametrize(("n", "shown"), [(9, "–"), (10, "0.90")])
def test_no_accuracy_is_shown_of_fewer_than_ten_windows(open_window, monkeypatch, n, shown):
    chance = Chance((-0.1, 0.1), 0.9, 0.9, (0.6, 0.98), n)
    monkeypatch.setattr("tests.support.fake_view.chance_at", lambda end, started: chance)
    window = open_window(FakeView())
    assert window.page.similarity.accuracy.value.text() == shown


def test_long_names_are_cut_with_an_ellipsis_and_push_nothing_out(open_window):
    view = FakeView()
    health = view.eeg_health()
    view.eeg_health = lambda: type(health)(**{**vars(health), "name": "A cap with a very long name " * 4})
    window = open_window(view, actions=Actions(toggle_recording=print, recorded_s=lambda: 75.0, end=print))
    window.resize(1024, 700)
    for _ in range(16):
        window.draw()
    QApplication.processEvents()  # places are given by the event loop
    header = window.page.header
    assert header.eeg.what.text().endswith("…")
    assert header.width() <= window.width()
    for part in (header.eeg.state, header.recording, header.record, header.end, header.help):
        assert part.width() >= part.sizeHint().width()
        assert header.rect().contains(part.mapTo(header, part.rect().bottomRight()))


def test_the_window_has_an_icon_at_every_size(open_window):
    icon = open_window(FakeView(), seconds=1).windowIcon()
    for size in (16, 32, 64, 256):
        image = icon.pixmap(size, size).toImage()
        assert image.width() == size
        assert len({image.pixel(x, y) for x in range(size) for y in range(0, size, 3)}) > 3
