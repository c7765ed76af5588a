"""A new tracker for each test."""

import pytest
from fakes.tracker import TrackerDouble


@pytest.fixture
def tracker() -> TrackerDouble:
    return TrackerDouble()
