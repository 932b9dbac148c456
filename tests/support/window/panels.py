"""A panel on show, and what can be seen of it."""

from __future__ import annotations

from gui.panels.similarity import SimilarityPanel
from gui.verdict import Judge


def shown(panel, qtbot, view, size=(500, 300)):
    qtbot.addWidget(panel)
    panel.resize(*size)
    panel.show()
    panel.refresh(view)
    if isinstance(panel, SimilarityPanel):
        judged = Judge()
        judged.follow(view)
        panel.show_verdict(judged)
    panel.grab()
    return panel


def colours(widget) -> int:
    image = widget.grab().toImage()
    return len({image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)})
