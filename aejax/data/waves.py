"""Generated series whose five factors are known: waveform, cycles, phase, amplitude and trend of a wave over 64 times.

The second channel is the first a quarter of a cycle later, without the trend. No two series are equal.
"""

from typing import Any

import numpy as np

from aejax.data import Rows

TIMES = 64
WAVEFORMS = ("sine", "square", "sawtooth")
CYCLES = np.array([1.0, 1.5, 2.0, 3.0])  # in the whole series
PHASES = np.arange(8) / 8  # of a cycle
AMPLITUDES = np.array([0.5, 0.75, 1.0, 1.5])
TRENDS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])  # from the first time to the last
FACTORS = ("waveform", "cycles", "phase", "amplitude", "trend")


def read(config: Any) -> Rows:
    """All 1,920 combinations: x [N, 64, 2], "factors" [N, 5] from 0, y the waveform; without splits, in mixed order."""
    counts = (len(WAVEFORMS), len(CYCLES), len(PHASES), len(AMPLITUDES), len(TRENDS))
    factors = np.stack(np.unravel_index(np.arange(np.prod(counts)), counts), axis=1).astype(np.int32)
    factors = np.random.default_rng(0).permutation(factors)
    x = np.stack([render(*row) for row in factors.tolist()]).astype(np.float32)
    return Rows({"x": x, "y": factors[:, 0], "factors": factors}, class_names=WAVEFORMS, factor_names=FACTORS)


def render(waveform: int, cycles: int, phase: int, amplitude: int, trend: int) -> np.ndarray:
    """One series [64, 2] of these factors."""
    time = np.arange(TIMES) / TIMES
    place = CYCLES[cycles] * time + PHASES[phase]
    both = [SHAPES[WAVEFORMS[waveform]](np.mod(place - late, 1.0)) for late in (0.0, 0.25)]
    x = AMPLITUDES[amplitude] * np.stack(both, axis=1)
    x[:, 0] += TRENDS[trend] * (np.arange(TIMES) / (TIMES - 1) - 0.5)
    return x


SHAPES = {  # the value at a place in the cycle, in [0, 1)
    "sine": lambda place: np.sin(2 * np.pi * place),
    "square": lambda place: np.where(place < 0.5, 1.0, -1.0),
    "sawtooth": lambda place: 2.0 * place - 1.0,
}
