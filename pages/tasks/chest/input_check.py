"""What the chest page asks of a film beside the general check: a frontal view."""

from __future__ import annotations

from core.chest import projection
from core.film_kind import FilmKind
from core.images import Radiograph
from pages.shared import input_check
from pages.shared.inputs import Case


def passed(case: Case) -> Case | None:
    """The case that may be read; None with the reason shown.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    return input_check.passed(
        "chest",
        case,
        "chest",
        trusted="masks" in case.truth,  # an upright phantom
        refused=projection.view_refusal(case.image.view),
    )


def problem(image: Radiograph) -> tuple[str, FilmKind | None]:
    """Why a film is not read, or ""; and how it lies where it can be put right.

    Raises:
        WeightsError: If the weights are missing or not those of the card.
    """
    refused = projection.view_refusal(image.view)
    return (refused, None) if refused else input_check.problem(image, "chest")
