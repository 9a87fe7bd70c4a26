"""`eval triage` reads its lines in chunks, and none of them is lost at an edge."""

import pytest

from server.commands.eval_triage import CHUNK, _batched


@pytest.mark.parametrize("amount", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 50])
def test_every_line_is_in_exactly_one_chunk(amount: int) -> None:
    lines = [(number, f"line {number}") for number in range(amount)]
    chunks = list(_batched(iter(lines)))
    assert [line for chunk in chunks for line in chunk] == lines
    assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
