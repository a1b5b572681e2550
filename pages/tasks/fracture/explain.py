"""Where the classifier looked, beside what the detector boxed."""

from __future__ import annotations

import streamlit as st

from core.fracture.agreement import elsewhere
from core.glossary import GLOSSARY
from core.images import FloatArray
from core.metrics.heat_maps import HeatScore, boxes_region, score
from core.percent import percent
from core.plots import viewer
from models.cards import ModelCard
from models.fracture.explain import METHODS
from pages.shared import background, views
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings
from pages.tasks.fracture.views import Reading, layers, picture, side_of

OPENING = "HiResCAM"


def explain(reading: Reading, settings: Settings) -> None:
    """A heat map of the classifier, its shares of heat, and whether it looked elsewhere."""
    method = OPENING
    if not settings.classifier.is_own:  # of which there are no gradients
        method = views.segments(
            "Heat map of the classifier",
            (OPENING, *METHODS),
            "fracture_method",
            OPENING,
            has_label=True,
            help=f"{OPENING} comes with the answer: each cell’s share of the classifier’s sum. The "
            "others need gradients and start PyTorch in a process of its own.",
        )
    heat, words = _heat(reading, settings.classifier, method)
    if heat is None:
        return
    shares = _shares(reading, heat)
    known = shares.get("the ground truth")
    if known is not None and elsewhere(known.lift):
        st.markdown("#### The classifier looked elsewhere")
    else:
        st.markdown("#### Where the classifier looked")
    lines = [
        f"{percent(one.energy)} of the heat lies inside {name} ({percent(one.area)} of the film: "
        f"{one.lift:.1f} × as hot as a flat map)"
        for name, one in shares.items()
    ]
    st.markdown(f"{'; '.join(lines)}." if lines else "No box to compare the heat with.")
    shown = picture(reading.case, settings)
    views.film(
        viewer.heat_viewer(
            shown,
            heat,
            layers(reading) if settings.boxes else (),
            spacing_mm=reading.image.spacing_mm,
            laterality=side_of(reading.case),
            revision=reading.image.digest,
        ),
        key="fracture_heat",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{words} of the classifier over the radiograph, with the detector’s boxes.",
    )
    st.caption(
        f"{words} of the classifier’s {percent(reading.answer.probability)}, the mean over the "
        f"film and its mirror image, relative to the hottest place. {GLOSSARY['fracture heat map']}"
    )


def _heat(reading: Reading, classifier: ModelCard, method: str) -> tuple[FloatArray | None, str]:
    """A heat map and its method in words: at once for the opening one, else from the worker."""
    image = reading.image
    if method == OPENING:
        opinion = loaders.opinion(classifier, image)
        return opinion.heat_map, opinion.method
    heat = background.result(
        "fracture_heat_run",
        (image.digest, classifier.sha256, method),
        lambda run: loaders.gradient_heat(classifier, image, method, run.report),
        is_public=image.is_public,
        in_worker=True,
    )
    return heat, METHODS[method]


def _shares(reading: Reading, heat: FloatArray) -> dict[str, HeatScore]:
    """Heat inside the detector's boxes and the truth, where there are some and there is heat."""
    boxes = {
        "the detector’s boxes": reading.answer.found.boxes_xyxy,
        "the ground truth": reading.truth_xyxy,
    }
    return {
        name: score(heat, boxes_region(some.tolist(), heat.shape))
        for name, some in boxes.items()
        if some is not None and len(some) and heat.max() > 0
    }
