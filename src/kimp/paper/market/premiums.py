"""The premium of one coin over time: small noise around zero, and now and then an episode that holds for a while."""

import math
import random
from dataclasses import dataclass

RAMP_S = 1.5
"""How long an episode takes to open and to close."""


@dataclass(slots=True)
class Episode:
    """The premium moves to `target`, holds, and goes back. Times in seconds of the generator."""

    target: float
    start_s: float
    end_s: float
    ramp_s: float

    def weight(self, now_s: float) -> float:
        """0: not there; 1: fully open."""
        if not self.start_s <= now_s < self.end_s:
            return 0.0
        if self.ramp_s <= 0:
            return 1.0
        return min((now_s - self.start_s) / self.ramp_s, (self.end_s - now_s) / self.ramp_s, 1.0)


class Premium:
    """An Ornstein-Uhlenbeck process with standard deviation `std`, overlaid by at most one episode."""

    def __init__(self, std: float, reversion_s: float) -> None:
        self._std = std
        self._reversion_s = reversion_s
        self._noise = 0.0
        self.episode: Episode | None = None

    def advance(self, draw: random.Random, now_s: float, elapsed_s: float) -> float:
        """The premium at `now_s`, a ratio."""
        keep = math.exp(-elapsed_s / self._reversion_s)
        self._noise = self._noise * keep + self._std * math.sqrt(1 - keep * keep) * draw.gauss(0, 1)
        if self.episode is None:
            return self._noise
        weight = self.episode.weight(now_s)
        if weight == 0.0 and now_s >= self.episode.end_s:
            self.episode = None
        return self._noise * (1 - weight) + (self.episode.target if self.episode else 0.0) * weight
