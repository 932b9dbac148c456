"""The two answers to what a dialog asks."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton


def start_or_cancel(dialog: QDialog, start: QPushButton) -> QDialogButtonBox:
    """Make the row with `start`, which Enter presses too, and Cancel."""
    buttons, cancel = QDialogButtonBox(), QPushButton("Cancel")
    buttons.addButton(start, QDialogButtonBox.ButtonRole.AcceptRole)
    buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
    cancel.setAutoDefault(False)
    start.setDefault(True)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
