"""Whoever comes back waits longer each time, never longer than the bound, and not at the same instant as all others."""

import pytest

from kimp.backoff import pause_after


@pytest.mark.parametrize(("failures", "ceiling"), [(0, 0.1), (1, 0.2), (5, 3.2), (7, 10.0), (10_000, 10.0)])
def test_each_pause_is_in_the_upper_half_of_a_ceiling_that_doubles(failures: int, ceiling: float) -> None:
    pauses = [pause_after(failures, first_s=0.1, longest_s=10.0) for _ in range(200)]
    assert all(ceiling / 2 <= pause <= ceiling for pause in pauses)
    assert len(set(pauses)) > 100
