"""Where recorded market data lie on machines that have them; they are no part of the project."""

from pathlib import Path

RECORDED_DATA = Path(__file__).parents[2] / "../shared/data"
