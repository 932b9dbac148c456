"""The window's words: what each panel is, what would fill it, and the tour through them."""

from __future__ import annotations

from typing import NamedTuple


class Caption(NamedTuple):
    """Words of one panel.

    `tip` says what the quantity is and its unit, `empty` what would fill the panel, `plain` tells a visitor
    what is to be seen.
    """

    title: str
    tip: str
    empty: str
    plain: str


class Measure(NamedTuple):
    """What a figure is, its unit, and what is good."""

    what: str
    unit: str
    good: str

    @property
    def tip(self) -> str:
        """All of it, as the figure's tooltip."""
        return f"{self.what}\nUnit: {self.unit}\nGood: {self.good}"


AFTER_READING = "Appears with the first reading, when both streams have run for one interval."

EEG = Caption(
    "EEG",
    "Voltage between each electrode and the reference in microvolts (µV), filtered as the model is fed. "
    "The newest sample stands at the right; a grey channel is flat, railing or noisy.",
    "No EEG yet. Start a headset that streams over LSL, or the virtual one:\nphosphene headset",
    "Every line is the voltage at one spot on the head, a few millionths of a volt. The bracket under the "
    "lines marks the seconds the model looks at now.",
)
VIDEO = Caption(
    "Video",
    "The newest picture. Bright places are where the model's attention lies; a place at its even share is "
    "left as it is. The place attended most is outlined where it stands out from chance; where none does, "
    "the map is a faint grey. A dashed outline is the truth, where a virtual attender tells it.",
    "No picture yet. Plug in a camera or give a file:\nphosphene live --video film.mp4",
    "This is what the person sees. The glow shows which part of the picture the model compares with the "
    "brain's answer.",
)


def other_video(number: int) -> Caption:
    """Words of a further video's panel; the main video is number 1."""
    return Caption(
        f"Video {number}",
        "A further video, compared with the EEG by itself. Similarity as in its panel, −1 to 1; attention is "
        "this video's share where the EEG reads all videos at once.",
        "No picture of this video yet. It is masked; readings go on without it.",
        "Another video, such as the camera on the face. The number says how well it fits the brain signal.",
    )


STRIP = Caption(
    "Frames of this interval",
    "Frames of the interval the model scored last. The height of a bar is that moment's share of the "
    "attention; the line is an even share.",
    AFTER_READING,
    "The last two seconds of film as the model took them in. Taller bars weigh more.",
)
SIMILARITY = Caption(
    "Similarity",
    "Mean cosine between what the EEG tower and the video tower say of the same moments, before they see "
    "each other; −1 to 1. The grey band holds 90 % of what this EEG scores with video it was not watching.",
    AFTER_READING,
    "Do the two fit together? Above the grey band the match is better than chance; inside it, it is not.",
)
SIMILARITY_NOW = Measure(
    "How well the EEG of the newest interval fits its film: mean cosine of what the two towers say of it.",
    "none, −1 to 1",
    "above the grey band, reading after reading",
)
VERDICT = Measure(
    "Whether the similarity lies above, within or below the grey band: 90 % of what this EEG scores with "
    "film it was not watching.",
    "none",
    "above; one reading alone lies outside by chance, one in ten does",
)
PERCENTILE = Measure(
    "Share of this EEG's scores with other stretches of the film that its own stretch beats.",
    "per cent; by chance 50 on the average",
    "above 95",
)
OTHERS = Measure(
    "Similarity of this EEG to each further video, by itself.", "none, −1 to 1", "as that of the main video"
)
MATCH = Measure(
    "Probability, from EEG and video read together, that this EEG belongs to this video. The dashed line "
    "at 0.5 is undecided.",
    "probability, 0 to 1",
    "near 1 while the person watches",
)
TWO_WAY = Measure(
    "2-way accuracy: of a stretch of film that was watched and another that was not, how often the EEG fits "
    "the watched one better. In brackets the 95 % interval (Wilson); n windows that do not overlap.",
    "share, 0 to 1; by chance 0.50",
    "an interval wholly above 0.50. Shown from ten windows on: of fewer it says nothing",
)
GATE = Measure(
    "How far what was read from the video is let through to the EEG's tokens: tanh of the gates, mean over "
    "the layers.",
    "none, −1 to 1",
    "away from 0: at 0 the video is not heard",
)
LATENCY = Measure(
    "95 % of readings come within this after their interval's end.", "milliseconds", "below 100"
)
SKIPPED = Measure("Readings that were due while an earlier one was still being made.", "readings", "0")
LATE = Measure(
    "Intervals that a stream did not fill in time; what was missing is masked.", "intervals", "0, or few"
)
FRAMES_LOST = Measure(
    "Frames that a source gave and the program did not take, by video.", "frames", "0, or few"
)
THINNED = Measure(
    "Frames the network was too slow for, by video: the one before stands in.", "frames", "0, or few"
)
DRIFT = Measure(
    "The headset's clock against this machine's. It is corrected for.",
    "parts per million: 100 are 0.36 s an hour",
    "within ±100, as quartzes are",
)
GAPS = Measure("Breaks in the EEG, and the samples lost in them.", "breaks, samples", "0")
RECORDED = Measure("How long the recording is so far.", "hours:minutes:seconds", "counting")
SESSION_TIME = Measure(
    "Time since the session began; in a replay, since the recording's start.",
    "hours:minutes:seconds",
    "counting",
)
EEG_STREAM = Measure(
    "Name of the EEG stream, its channels for the network, and the rate at which samples really come.",
    "channels, samples a second (Hz)",
    "● LIVE, at the rate the headset is sold with",
)
VIDEO_STREAM = Measure(
    "Size of the picture, and how many come.", "pixels, pictures a second", "● LIVE, at the camera's rate"
)
GAZE = Measure(
    "Where the participant looks, by the eye tracker's stream. The figure is its distance to the middle of "
    "the place attended most, where one stands out.",
    "widths and heights of the picture",
    "small, where eyes and attention go together; they need not",
)
LEVEL = Measure("Level of the feedback as the participant takes it in.", "share, 0 to 1", "as you set it up")
REPLAY_TIME = Measure("Where the replay stands, and how long the recording is.", "minutes:seconds", "–")
PLACES = (
    "Share of the attention of each place of the picture, from its even share to three times that. The "
    "certainty is the share of film that was not watched in which the best place leads by less."
)
WEIGHT = (
    "Weight of a moment of video for a moment of EEG, 0 to 1; of a place, up to three times its even share."
)
ATTENTION = Caption(
    "Attention",
    "Left: weight each moment of EEG (a row) gives to each moment of video (a column); a row sums to 1, and "
    "on the dotted line both are the same moment. Right: share of each place (a row) over the last intervals "
    "(a column). What does not stand out from chance is grey; what is missing is not drawn.",
    AFTER_READING,
    "Which moment of the film explains which moment of the brain signal, and which part of the picture. "
    "Colour means: more than chance would give.",
)
SCALP = Caption(
    "Scalp",
    "Share of each electrode in what the EEG side passes on, up to three times an even share; or (key A) its "
    "amplitude, RMS of the last second in µV. Seen from above, nose up.",
    "No electrode of this stream has a 10-20 name. Give the names when the stream is chosen.",
    "The head from above, nose at the top. Brighter electrodes carry more of what the model uses.",
)
SPECTRUM = Caption(
    "Spectrum",
    "Power density of the chosen channels over the last 8 s, in dB of 1 µV²/Hz (Welch, segments of 2 s). A "
    "relaxed brain has a hill at 8 to 13 Hz; a needle at 50 or 60 Hz is the mains.",
    "Appears after two seconds of EEG without a hole.",
    "Which rhythms the brain signal is made of.",
)
AVERAGE = Caption(
    "Average around a marker",
    "Mean of the chosen channels around every marker of this name so far, in µV over what was there before "
    "it (0.2 s). Noise falls with the root of n: of a handful of markers an average says little.",
    "Appears when a marker has come twice, with 0.8 s of EEG after it. Keys 1 to 9 set markers, too.",
    "What the brain signal does, on the average, when something happens.",
)
LOG = Caption(
    "Event log",
    "Markers and notes, streams that stop and come back, recordings, and what went wrong: time of day, time "
    "of the session, what.",
    "Nothing has happened yet.",
    "What happened, line by line.",
)
HEALTH = Caption(
    "Health",
    "Latency from the end of an interval to its reading, and everything that was lost on the way.",
    "",
    "How fast and how safe it runs: delay, skipped steps, lost frames, gaps in the EEG.",
)

BACKEND = (
    "What runs the network, and how many times as fast as plain PyTorch a reading is made by it. With the "
    "backend auto a session begins on PyTorch and goes on with whatever is faster here, once that is built."
)
PERSON = (
    "Records what runs now, learns from it beside the session, and offers the model with a word on what it "
    "is worth. Two minutes are little, ten are better; the participant sits still and watches."
)
PERSON_FLASHES = (
    "⚠ Flashing light can trigger seizures in people with photosensitive epilepsy. A film that is played "
    "full screen is looked at for it before it begins; what else is watched is not."
)
UNTRAINED = "▲ Untrained weights: these values mean nothing yet. Train, or choose trained weights."
CHANCE_UNKNOWN = "chance: known in a few seconds"

WELCOME = "How well a brain signal matches the video on the screen, shown while both run."
WITHOUT_HEADSET = "Without a headset"
WITH_HEADSET = "With a headset and a camera, a film or a URL"
OFFER_DEMO = "It watches a film that is dimmed when its mind wanders; its EEG comes by LSL."
OFFER_ATTEND = "It looks at one of several objects after another; the program finds which, live."
FIRST_KEYS = "↑ ↓ or Tab choose, Enter opens, Ctrl+Q leaves."
OFFER_EXAMPLE = "A short session that ships with the program, played as if it were live."
OFFER_STREAMS = "Choose among the EEG streams (LSL) and cameras that are there, and record."
OFFER_SESSION = (
    "A folder with session.xdf and its video. Without weights trained on this person it shows EEG, video and "
    "markers; similarity and attention mean nothing yet."
)
WITHOUT_WEIGHTS = (
    "Without weights trained on this person: EEG, video, markers and recording are shown as they are; "
    "similarity, match and attention mean nothing until you train on a recording (phosphene train)."
)

TOUR = (
    ("eeg", "1 · The brain signal", EEG.plain),
    ("video", "2 · The picture", VIDEO.plain),
    ("strip", "3 · The last two seconds", STRIP.plain),
    ("similarity", "4 · Do they match?", SIMILARITY.plain),
    ("attention", "5 · When", ATTENTION.plain),
    ("scalp", "6 · Where on the head", SCALP.plain),
    ("health", "7 · Can I trust it?", HEALTH.plain),
)
