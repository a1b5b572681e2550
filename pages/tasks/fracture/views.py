"""The fracture page's main column: viewer, answer, table, second opinion, robustness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import streamlit as st

from core.detections import Boxes, Comparison, Detections, compare
from core.files import write as exports
from core.fracture.agreement import agreement, heat_inside
from core.glossary import GLOSSARY
from core.images import Radiograph
from core.plots import curves, draw
from core.plots import viewer as figures
from models.cards import ModelCard
from pages.shared import inputs, views
from pages.shared.inputs import Case
from pages.shared.views import Download, Figure
from pages.tasks.fracture import loaders
from pages.tasks.fracture.sidebar import Settings

HIT_IOU = 0.5
EXPERIMENT = Path(__file__).parents[3] / "models" / "fracture" / "vgg16_experiment.csv"


@dataclass(frozen=True, eq=False)
class Reading:
    """One radiograph as the page shows it: boxes, opinion, and the truth where it is known."""

    case: Case
    found: Detections
    probability: float
    operating_point: float
    truth_xyxy: Boxes | None

    @property
    def image(self) -> Radiograph:
        return self.case.image

    @property
    def against_truth(self) -> Comparison | None:
        """Hits and misses, or None where the truth is not known."""
        if self.truth_xyxy is None:
            return None
        return compare(self.found, self.truth_xyxy, HIT_IOU)


def read(case: Case, settings: Settings, classifier: ModelCard) -> Reading:
    """Both models' answers to a case; only the first run of a film runs the networks.

    Raises:
        WeightsError: If weights are missing or not those of the card.
    """
    reading = Reading(
        case,
        settings.shown(loaders.candidates(settings.detector, case.image)),
        loaders.probability(classifier, case.image),
        classifier.operating_points["fracture"],
        true_boxes(case),
    )
    st.session_state["fracture_read"] = (case.image.digest, settings.detector.sha256)
    return reading


def was_read(case: Case, settings: Settings) -> bool:
    """Whether the answer to this film is at hand, so that nobody has to wait."""
    now = (case.image.digest, settings.detector.sha256)
    return st.session_state.get("fracture_read") == now


def waiting(case: Case, settings: Settings) -> None:
    """The film alone, while the models read it."""
    shown = picture(case, settings)
    panels = [figures.Panel("Original", shown), figures.Panel("The models are reading …", shown)]
    if not settings.side_by_side:
        panels = panels[1:]
    views.film(
        figures.viewer(panels, spacing_mm=case.image.spacing_mm, laterality=case.image.laterality),
        key="fracture_waiting",
        aspect=len(panels) * shown.shape[1] / shown.shape[0],
        alt=f"{case.words}, before the models have answered.",
        stage=True,
    )


def true_boxes(case: Case) -> Boxes | None:
    """The case's true boxes (M, 4), or None where they are not known."""
    known = case.truth.get("boxes_xyxy")
    return None if known is None else np.asarray(known, np.float32).reshape(-1, 4)


def picture(case: Case, settings: Settings) -> draw.Picture:
    """The radiograph through the display window."""
    window = settings.display
    return draw.windowed(case.image.pixels, window.level, window.width, invert=window.invert)


def layers(reading: Reading, chosen: int | None = None) -> tuple[figures.BoxLayer, ...]:
    """Predictions, and the dashed truth on top of them: a box that fits exactly shows both."""
    result = reading.against_truth
    known = ()
    if reading.truth_xyxy is not None and result is not None:
        known = (figures.truth_layer(reading.truth_xyxy, result.found),)
    rows = exports.box_rows(reading.found, reading.image.spacing_mm, result)
    predicted = figures.BoxLayer(
        name="prediction (solid)",
        boxes_xyxy=reading.found.boxes_xyxy,
        labels=tuple(f"{row.score:.2f}" for row in rows),
        hovers=tuple("<br>".join(row.words) for row in rows),
        chosen=chosen,
    )
    return (predicted, *known)


def verdict(reading: Reading) -> None:
    """The answer in one line."""
    count = len(reading.found)
    boxes = f"{count} box{'' if count == 1 else 'es'}"
    highest = f", highest score {reading.found.scores[0]:.2f}" if count else ""
    said = f"{boxes}{highest}; classifier {reading.probability:.0%}"
    if count or reading.probability >= reading.operating_point:
        views.verdict(f"**Fracture suspected:** {said}", "attention")
    else:
        views.verdict(f"**No fracture found:** {said}", "clear")


def viewer(reading: Reading, settings: Settings) -> None:
    """Original and result side by side, or the result alone, with linked zoom."""
    shown = picture(reading.case, settings)
    boxes = layers(reading, chosen_box(len(reading.found))) if settings.boxes else ()
    panels = [figures.Panel("Original", shown), figures.Panel("Result", shown, boxes)]
    if not settings.side_by_side:
        panels = panels[1:]
    views.film(
        figures.viewer(
            panels,
            spacing_mm=reading.image.spacing_mm,
            laterality=reading.image.laterality,
            revision=f"{reading.image.digest}{len(panels)}",
        ),
        key="fracture_viewer",
        aspect=len(panels) * shown.shape[1] / shown.shape[0],
        alt=f"{reading.case.words}, beside it with {len(reading.found)} predicted boxes.",
        stage=True,
        on_step=partial(inputs.step, "fracture"),
    )
    views.known_of(reading.image, reading.case.words)


def strip(reading: Reading, settings: Settings) -> None:
    """The answer in figures, then in words, then how far to trust it."""
    found, result = reading.found, reading.against_truth
    _, words = agreement(len(found), reading.probability, reading.operating_point)
    answer = [
        Figure("Boxes", str(len(found)), "confidence", f"score ≥ {settings.threshold:.2f}"),
        Figure(
            "Highest score",
            f"{found.scores[0]:.2f}" if len(found) else "none",
            "detector",
            "0 to 1, no probability",
        ),
        Figure(
            "Classifier",
            f"{reading.probability:.0%}",
            "classifier",
            f"“fracture” from {reading.operating_point:.0%}",
        ),
    ]
    if result is not None:
        answer += [
            Figure("Hits", f"{result.true_positives} of {len(result.found)}", "hit", "true boxes"),
            Figure("False alarms", str(result.false_positives), "false alarm", "no true box there"),
            Figure("Misses", str(result.misses), "miss", "no prediction there"),
        ]
    views.metric_strip(answer)
    if len(found) == 0:
        words += " No box above the threshold is an answer, not proof that nothing is broken."
    if reading.truth_xyxy is None:
        words += " The truth of this film is not known here."
    elif len(reading.truth_xyxy) == 0:
        words += " In truth this film has no fracture."
    st.markdown(words)
    views.error_line(settings.detector)


def chosen_box(count: int) -> int | None:
    """The row chosen in the table below, if it still exists."""
    state = st.session_state.get("fracture_table")
    rows = state["selection"]["rows"] if state else []
    return rows[0] if rows and rows[0] < count else None


def table(reading: Reading) -> None:
    """All boxes; a click on a row draws its box thicker."""
    if not len(reading.found):
        st.caption("Lower the threshold in the sidebar to see weaker candidates.")
        return
    rows = exports.box_rows(reading.found, reading.image.spacing_mm, reading.against_truth)
    st.dataframe(
        pd.DataFrame([row.columns for row in rows]).rename(columns=_in_words),
        hide_index=True,
        height="content" if len(rows) <= 8 else 320,
        on_select="rerun",
        selection_mode="single-row",
        key="fracture_table",
        alt="Table of predicted boxes with score, place and size.",
        column_config={
            "score": st.column_config.ProgressColumn(
                "score", min_value=0, max_value=1, format="%.2f", help=GLOSSARY["detector"]
            )
        },
    )
    st.caption("Choose a row to draw its box thicker in the viewer.")


def _in_words(column: str) -> str:
    """A column's name for the screen: "width_px" becomes "width (px)"."""
    name, _, unit = column.rpartition("_")
    return f"{name} ({unit})" if unit in ("px", "mm") else column.replace("_", " ")


def explain(reading: Reading, settings: Settings, heat: np.ndarray, method: str) -> None:
    """The classifier's own heat map, beside what the detector boxed."""
    agree, words = agreement(len(reading.found), reading.probability, reading.operating_point)
    if not agree:
        st.warning(words, icon=":material/call_split:")
    shown = picture(reading.case, settings)
    views.film(
        figures.heat_viewer(
            shown,
            heat,
            layers(reading) if settings.boxes else (),
            spacing_mm=reading.image.spacing_mm,
            laterality=reading.image.laterality,
            revision=reading.image.digest,
        ),
        key="fracture_heat",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{method} of the classifier over the radiograph, with the detector's boxes.",
    )
    shares = [("the detector’s boxes", reading.found.boxes_xyxy), ("the truth", reading.truth_xyxy)]
    inside = [
        f"{share:.0%} of the heat lies inside {name}"
        for name, boxes in shares
        if boxes is not None and len(boxes) and np.isfinite(share := heat_inside(heat, boxes))
    ]
    lines = "; ".join(inside)
    st.caption(
        f"{method} of the classifier “{reading.probability:.0%}”{': ' + lines if lines else ''}. "
        f"{GLOSSARY['Grad-CAM']}"
    )


def experiment() -> None:
    """The learning curves of the VGG-16 runs, where their table is there."""
    if not EXPERIMENT.is_file():
        return
    st.markdown("#### How the published recipe learns: VGG-16 in three steps")
    st.write(
        "A small VGG-16 on few films: plain, then augmented and balanced, then with dropout and "
        "early stopping. Where the validation loss leaves the training loss and rises, the "
        "network learns its films by heart."
    )
    table = pd.read_csv(EXPERIMENT)
    runs = {str(name): run for name, run in table.groupby("variant", sort=False)}
    st.plotly_chart(
        curves.learning_curves(
            {
                f"{name}<br>best validation AUROC {run['val_auroc'].max():.2f}": (
                    run["epoch"].tolist(),
                    run["train_loss"].tolist(),
                    run["val_loss"].tolist(),
                )
                for name, run in runs.items()
            }
        ),
        key="fracture_experiment",
        alt=f"Training and validation loss over epochs for {', '.join(runs)}.",
    )
    st.dataframe(table, hide_index=True, height=220, alt="Learning curves of VGG-16 as a table.")


def download(reading: Reading, settings: Settings) -> None:
    """The result as picture, table and label files."""
    title = reading.case.words if reading.case.origin == "Upload" else reading.image.title
    shown, name = picture(reading.case, settings), exports.stem(PurePath(title).stem)
    item = exports.Item(
        file=f"{name}.png",
        shape=reading.image.shape,
        found=reading.found,
        spacing_mm=reading.image.spacing_mm,
        against_truth=reading.against_truth,
    )

    def overlay() -> bytes:
        return exports.png(exports.overlay(shown, reading.found, reading.truth_xyxy))

    views.downloads(
        "fracture",
        [
            Download(
                "Picture (PNG)",
                f"{name}_boxes.png",
                "image/png",
                overlay,
            ),
            Download("Table (CSV)", f"{name}.csv", "text/csv", partial(exports.csv, [item])),
            Download(
                "COCO (JSON)",
                f"{name}_coco.json",
                "application/json",
                partial(exports.coco, [item]),
            ),
            Download("YOLO (TXT)", f"{name}.txt", "text/plain", partial(exports.yolo, item)),
        ],
    )
    st.caption(
        "The picture has the display window and the boxes above the threshold. Label files hold "
        "the predictions, in pixels of the original film. Nothing from a DICOM header enters them."
    )
