from __future__ import annotations

from typing import Any

import pytest

from apps.style.options import StyleOptions
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 201}, "steps must be a whole number from 1 to 200; got 201"),
        ({"steps": 0}, "steps must be a whole number from 1 to 200; got 0"),
        ({"steps": 51, "scheduler": "lcm"}, "from 1 to 50 with the scheduler LCM; got 51"),
        ({"scheduler": "none"}, "scheduler must be one of"),
    ],
)
def test_what_no_scheduler_can_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        StyleOptions(prompt="ink", **options)


@pytest.mark.parametrize("options", [{"steps": 200}, {"steps": 50, "scheduler": "LCM"}])
def test_the_most_steps(options: dict[str, Any]) -> None:
    assert StyleOptions(prompt="ink", **options).steps == options["steps"]
