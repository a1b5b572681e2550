"""Numbers and ranges as the screen says them."""

import re
from pathlib import Path

import pytest

from core.rounding import significant, span


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (float("inf"), "inf"),
        (0.004599, "0.0046"),
        (1.2549, "1.25"),
        (-2.0, "-2"),
        (99.96, "100"),
        (835.9, "836"),
        (65535.0, "65,535"),
        (0.00012346, "0.000123"),
        (1.2346e-9, "1.23e-09"),
    ],
)
def test_three_significant_digits_and_whole_units(value: float, said: str) -> None:
    assert significant(value) == said


def test_a_range_has_one_unit_and_no_end_finer_than_the_other_can_show() -> None:
    assert span(0.004599, 835.9) == "0 to 836"
    assert span(0.4599, 835.9, "HU") == "0.46 to 836 HU"
    assert span(-1.2549, 4.0, "SD") == "-1.25 to 4 SD"
    assert span(0.0, 0.0) == "0 to 0"


def test_shares_are_said_by_one_function() -> None:
    """Python's and Plotly's own percent say 92% where every page says 92 %."""
    root = Path(__file__).parents[1]
    sources = [path for room in ("core", "models", "pages") for path in (root / room).rglob("*.py")]
    own = [path.name for path in sources if re.search(r":[,.\d]*%}", path.read_text("utf-8"))]
    assert len(sources) > 100
    assert own == []
