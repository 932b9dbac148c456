"""What can go wrong, as a tree. Every message says what happened, with which value, and what to do next.

PhospheneError
├── InputError                  what the user asked for cannot be done (exit code 2)
│   ├── ConfigError             an option or a config value is unknown or contradicts another
│   ├── StreamNotFound          no LSL stream fits the selection, or more than one does
│   ├── StreamFormatError       the stream is there, but its format, unit, clock or labels do not serve
│   ├── VideoError              a camera, file or URL does not open or gives no frames
│   ├── SessionError            a recorded session is missing, truncated or incomplete
│   └── WeightsError            weights are missing, damaged, or do not fit the network that should use them
└── RunError                    something failed while running (exit code 1)
    └── WorkerFailed            a worker thread died; its exception is the cause
"""

from __future__ import annotations


class PhospheneError(Exception):
    """Base of every error the program raises on purpose; `exit_code` is what a command ends with."""

    exit_code = 1


class InputError(PhospheneError):
    """The user's input cannot be served as it is."""

    exit_code = 2


class ConfigError(InputError):
    """An option or a value of the configuration is unknown, out of range or contradicts another."""


class StreamNotFound(InputError):
    """No stream, or more than one, fits a selection. The message lists what is there."""


class StreamFormatError(InputError):
    """A stream was found, but its format, unit, clock or channel labels do not serve."""


class VideoError(InputError):
    """A camera, file or URL does not open, or opens and gives no frames."""


class SessionError(InputError):
    """A recorded session is missing, truncated or lacks what is asked of it."""


class WeightsError(InputError):
    """Weights are missing, damaged, or do not fit the network that should use them."""


class RunError(PhospheneError):
    """Something failed while the program was running."""


class WorkerFailed(RunError):
    """A worker thread died; the exception that ended it is the `__cause__`."""
