"""A new story for each test."""

import pytest
from fakes.story import Story


@pytest.fixture
def story() -> Story:
    return Story()
