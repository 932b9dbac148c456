"""What was saved, and what can be done with it, while the session goes on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from experiment.state import Actions
from gui.panel import ElidedLabel, tool_button


class SavedBar(QFrame):
    """Shown after a recording: “Saved to …”, its report, its replay. Hidden until then, and by ✕."""

    def __init__(self, actions: Actions):
        super().__init__()
        self.setObjectName("bar")
        self._can = actions
        self._folder = Path()
        self._recorded = False
        self.words = ElidedLabel()
        self.report, self.replay = QPushButton("Report"), QPushButton("Replay")
        self.report.setToolTip("Write the report of this recording and open it in the browser")
        self.replay.setToolTip("End this session and play the recording")
        self.report.clicked.connect(lambda: actions.open_report and actions.open_report())
        self.replay.clicked.connect(lambda: actions.replay and actions.replay(self._folder))
        self.replay.setVisible(actions.replay is not None)
        self.report.setVisible(actions.open_report is not None)
        away = tool_button("✕")
        away.setToolTip("Put this line away")
        away.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 6, 5)
        row.setSpacing(10)
        row.addWidget(self.words, 1)
        for button in (self.report, self.replay, away):
            row.addWidget(button)
        self.hide()

    def follow(self) -> str:
        """Come up where a recording has just ended; returns what there is to say. Called twice a second."""
        recorded = self._can.recorded_s is not None and self._can.recorded_s() is not None
        begun, ended = recorded and not self._recorded, self._recorded and not recorded
        self._recorded = recorded
        if begun:
            self.hide()
            return "recording begins"
        folder = self._can.saved() if ended and self._can.saved is not None else None
        if folder is None:
            return ""
        self._folder = folder
        self.words.say(f"Saved to {folder.resolve()}")
        self.show()
        return f"recording saved to {folder.resolve()}"
