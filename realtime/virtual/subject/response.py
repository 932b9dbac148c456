"""What the brain answers to a film: each change in it, after a while, at its own place.

    eeg(t, electrode) = Σ sources  topography(electrode) · Σ frames  feature(frame) · kernel(t − shown)

Kernels are sums of bells at the latencies of the components that such changes evoke: the N75, P100 and N135
of a pattern and the N2 and P2 of a flash (Odom et al. 2016, doi:10.1007/s10633-016-9553-y), the N2 of motion
onset at 160 to 200 ms (Kuba et al. 2007, doi:10.1016/j.visres.2006.09.020; here over the far hemisphere), a
late parietal positivity of what surprises (Polich 2007, doi:10.1016/j.clinph.2007.04.019), and the N170 of
a face (Bentin et al. 1996, doi:10.1162/jocn.1996.8.6.551).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from realtime.virtual.head_model import topography
from realtime.virtual.subject.features import FEATURES, FeatureTrack

_REACH_S = 0.55  # after this long nothing of a kernel is left


@dataclass(frozen=True)
class Source:
    """A feature, how the answer to it goes on, and where it is seen.

    `components` are (amplitude, latency s, standard deviation s); `gain` gives each source about the same
    share in the answer to the film; `centres` and `spread_deg` are those of `head_model.topography`.
    """

    feature: str
    components: tuple[tuple[float, float, float], ...]
    gain: float
    centres: dict[str, float]
    spread_deg: float = 32.0

    def kernel(self, lags: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the answer at `lags` after a change of 1, seconds; both of shape (n_lags,)."""
        answer = np.zeros(lags.shape)
        for amplitude, latency, width in self.components:
            answer += amplitude * np.exp(-0.5 * ((lags - latency) / width) ** 2)
        return np.where(lags >= 0, answer, 0.0)  # nothing is answered before it is shown


_FLASH = ((-0.4, 0.080, 0.014), (1.0, 0.115, 0.020), (-0.6, 0.180, 0.035))
_PATTERN = ((-0.3, 0.075, 0.012), (1.0, 0.100, 0.015), (-0.8, 0.140, 0.022), (0.5, 0.210, 0.035))
_MOTION = ((-1.0, 0.170, 0.030), (0.67, 0.245, 0.045))
_SURPRISE = ((0.6, 0.105, 0.016), (-0.7, 0.155, 0.028), (1.0, 0.320, 0.055))
_N170 = ((0.3, 0.110, 0.016), (-1.0, 0.170, 0.020), (0.5, 0.240, 0.040))

SOURCES = (
    Source("luminance", _FLASH, 5.8, {"Oz": 1.0}),
    Source("contrast", _PATTERN, 30.0, {"O1": 0.7, "O2": 0.7}, 26.0),
    Source("motion left", _MOTION, 15.0, {"PO8": 1.0, "PO7": 0.35}),
    Source("motion right", _MOTION, 15.0, {"PO7": 1.0, "PO8": 0.35}),
    Source("cut", _SURPRISE, 2.4, {"POz": 0.8, "CPz": 0.5}, 38.0),
)
FACE = Source("face", _N170, 7.5, {"P8": 1.0, "P7": 0.7, "Cz": -0.5}, 30.0)


@dataclass(frozen=True)
class Folding:
    """How one person's cortex is folded: each source lies elsewhere, and so shows elsewhere on the scalp.

    Attributes
    ----------
    degrees : float
        Standard deviation of the angle by which a source is turned, about each axis; 0 for the mean brain.
    """

    seed: int = 0
    degrees: float = 0.0

    def turn(self, number: int) -> NDArray[np.float64]:
        """Return the rotation of source `number`, array of shape (3, 3)."""
        angles = np.random.default_rng([self.seed, number, 701]).normal(0.0, self.degrees, 3)
        return np.asarray(Rotation.from_rotvec(angles, degrees=True).as_matrix(), np.float64)


class Brain:
    """Answers of a fully engaged subject, as a pure function of time and of the frames shown until then.

    Parameters
    ----------
    seen : FeatureTrack
        What is watched. Answers to the same film may share one, so that it is looked at only once.
    labels : tuple of str
        Electrodes, 10-20 or 10-10 names.
    lag_s : float
        Added to every latency: a slower brain, or a screen that shows late.
    face_weight : float
        From 0, where only the changes count, to 1, where only faces do and whatever else appears leaves no
        trace: then *when* something appears tells little of which film was watched, and *what* tells it.
    folding : Folding, optional
        Where the sources lie in this person; in all alike by default.
    """

    def __init__(
        self,
        seen: FeatureTrack,
        labels: tuple[str, ...],
        lag_s: float = 0.0,
        face_weight: float = 0.0,
        folding: Folding | None = None,
    ):
        folding = folding or Folding()
        weights = [(1 - face_weight**2) ** 0.5] * len(SOURCES) + [face_weight]
        self._sources = [
            (source, FEATURES.index(source.feature), source.gain * weight
             * topography(labels, source.centres, source.spread_deg, folding.turn(number)))
            for number, (source, weight) in enumerate(zip((*SOURCES, FACE), weights, strict=True))
            if weight > 0
        ]  # fmt: skip
        self._seen = seen
        self._n_channels = len(labels)
        self._lag_s = lag_s

    def respond(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the answer at `times` (rising): array of shape (n_times, n_channels).

        1 is the standard deviation at Oz over the film at `face_weight` 0.
        """
        fps = self._seen.stimulus.fps
        newest = np.floor((times - self._lag_s) * fps).astype(np.int64)
        first = int(newest[0]) - round(_REACH_S * fps)
        features = self._seen.between(first, int(newest[-1]) + 1)
        answers = np.zeros((len(self._sources), times.size))
        for back in range(round(_REACH_S * fps) + 1):
            number = newest - back
            lags = times - number / fps - self._lag_s
            for answer, (source, column, _) in zip(answers, self._sources, strict=True):
                answer += features[number - first, column] * source.kernel(lags)
        field = np.zeros((times.size, self._n_channels))
        for answer, (_, _, places) in zip(answers, self._sources, strict=True):
            field += answer[:, None] * places
        return field
