"""The one-page report: one file, escaped, with what it is not."""

from __future__ import annotations

import numpy as np

from core import report


def test_report_is_one_file_with_disclaimer_and_no_script_from_a_name() -> None:
    made = report.page(
        "Bone age",
        "<script>alert(1)</script>.png",
        answer="8 years (90 % interval 7 to 9)",
        lines=["Told: girl."],
        pictures=[("The <b>film", np.zeros((20, 30), np.uint8))],
        parts=[
            ("Empty", report.table([])),
            ("The model", report.table([("Model", "Hand & age"), ("a", "b")], ("x<", "y"), {1})),
            ("Limits", report.bullets(["Fails on <feet>."])),
        ],
    ).decode()
    assert "<script>" not in made and "<feet>" not in made and "x<" not in made
    assert "&lt;script&gt;" in made and "Hand &amp; age" in made and "The &lt;b&gt;film" in made
    assert made.count('class="strong"') == 1 and "Empty" not in made
    assert made.count(report.DISCLAIMER) == 1
    assert "data:image/png;base64," in made
    assert 'src="http' not in made
