"""The lab's main column: before and after, what was drawn, what it made false, many draws."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.augment import checks, evidence, pictures, safety
from core.augment.labels import Moved
from core.augment.pipeline import Draw, Planned, draw, fixed, words
from core.metrics.experiments import conclusion, summed
from core.percent import percent
from core.plots import box_layers
from core.plots import viewer as figures
from core.plots.draw import TRUTH, Picture
from core.plots.slices import NORMAL, PLANES, display_range
from core.skull_strip import plots as volume_figures
from pages.shared import charts, views
from pages.shared import experiments as measured_experiments
from pages.shared.views import Figure
from pages.tasks.augmentation import composer
from pages.tasks.augmentation.modalities import Modality
from pages.tasks.augmentation.subjects import Subject

PAGE = "augmentation"
GRID = 9
DRAW_WIDTH = 260  # screen pixels of a draw in the grid, at most
KEPT, KEPT_FOR_ALL = GRID + 3, 4 * GRID
"""Draws carried out that a session keeps, and the server of films that are nobody's: 1 MB each of a
film, 5 MB of a head."""
EXHIBITS, EXHIBIT_PX = 48, 300
"""Small pictures that it keeps: as many as there are transforms."""
SIDE_LETTERS = {"axial": "R", "coronal": "R", "sagittal": "A"}


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _after(digest: str, what: str, _subject: Subject, _draw: Draw) -> Moved:
    return _subject.after(_draw)


@st.cache_resource(max_entries=KEPT_FOR_ALL, show_spinner=False)
def _after_for_all(digest: str, what: str, _subject: Subject, _draw: Draw) -> Moved:
    return _subject.after(_draw)


def after(subject: Subject, one: Draw) -> Moved:
    """The image after a draw; carried out once, for all visitors where the film is nobody's."""
    carried = _after_for_all if subject.is_public and subject.pixels.ndim == 2 else _after
    return carried(subject.digest, f"{one} {_known(subject)}", subject, one)


def _known(subject: Subject) -> str:
    """The labels in a few words: the same film may come with the truth or with a model's answer."""
    labels = subject.labels
    masks = {name: int(np.count_nonzero(mask)) for name, mask in labels.masks.items()}
    return f"{labels.box_names} {labels.boxes_xyxy.tolist()} {masks} {labels.points}"


@st.cache_data(max_entries=EXHIBITS, scope="session", show_spinner=False)
def _exhibited(digest: str, what: str, _subject: Subject, _draw: Draw) -> Picture:
    shown = picture(_subject, _subject.after(_draw), boxes=True)
    return pictures.thumbnail(shown, EXHIBIT_PX)


def exhibited(subject: Subject, one: Draw) -> Picture:
    """A small picture of the image after a draw, with its labels; made once."""
    seen = f"{where(subject)} " if subject.pixels.ndim == 3 else ""
    return _exhibited(subject.digest, f"{seen}{one} {_known(subject)}", subject, one)


def where(subject: Subject) -> tuple[str, int]:
    """Plane and slice of a head that are looked at."""
    plane = st.session_state.get(f"{PAGE}_plane") or PLANES[0]
    size = subject.pixels.shape[NORMAL[plane]]
    return plane, int(st.session_state.get(f"{PAGE}_{plane}_{size}_slice", int(size * 0.55)))


def choose_slice(subject: Subject) -> None:
    """Plane and slice, above a head's viewer."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        plane = st.segmented_control(
            "Plane", PLANES, default=PLANES[0], required=True, key=f"{PAGE}_plane",
            persist_state="session",
        )  # fmt: skip
        size = subject.pixels.shape[NORMAL[plane]]
        st.slider(
            "Slice", 0, size - 1, int(size * 0.55), key=f"{PAGE}_{plane}_{size}_slice",
            persist_state="session",
        )  # fmt: skip


def picture(subject: Subject, moved: Moved, *, boxes: bool = False) -> Picture:
    """The image with its labels as it is shown: a film, or the chosen slice of a head."""
    if subject.pixels.ndim == 2:
        return pictures.film(moved.pixels, moved.labels, boxes=boxes)
    plane, index = where(subject)
    window = display_range(subject.pixels)
    return pictures.head_slice(
        moved.pixels, moved.labels.masks, window, _three(subject), plane, index
    )


def _three(subject: Subject) -> tuple[float, float, float]:
    assert subject.spacing_mm is not None  # a head has voxels of known size
    i, j, k = subject.spacing_mm
    return i, j, k


def _difference(subject: Subject, moved: Moved) -> tuple[Picture, float]:
    if subject.pixels.ndim == 2:
        return pictures.difference(subject.pixels, moved.pixels)
    plane, index = where(subject)
    return pictures.head_difference(subject.pixels, moved.pixels, _three(subject), plane, index)


def verdict(found: Sequence[checks.Flag]) -> None:
    """In one line above the film: whether the draw made a label false, and the first reason."""
    if not found:
        views.verdict("**No label became false** in this draw", "clear")
        return
    more = f" ({len(found) - 1} more below)" if len(found) > 1 else ""
    views.verdict(f"**No longer true:** {found[0].sentence}{more}", "attention")


def viewer(subject: Subject, moved: Moved, seed: int) -> None:
    """Original, augmented and difference side by side, with linked zoom."""
    change, reach = _difference(subject, moved)
    shown = [picture(subject, subject.untouched), picture(subject, moved), change]
    titles = ["Original", "Augmented", f"Difference, full colour ±{percent(reach)}"]
    layers = [_boxes(subject.untouched), _boxes(moved), ()]
    spacing, side = _scale(subject, shown[0])
    mark = side_mark(subject, moved, side)
    marks, scales = (side, mark, mark), (1.0, moved.motion.scale, moved.motion.scale)
    panels = [
        figures.Panel(title, one, tuple(boxes), laterality=letter, magnified=scale)
        for title, one, boxes, letter, scale in zip(
            titles, shown, layers, marks, scales, strict=True
        )
    ]
    height, width = shown[0].shape[:2]
    plane = where(subject)[0] if subject.affine is not None else ""
    figure = figures.viewer(
        panels, spacing_mm=spacing, laterality=side, revision=f"{subject.digest} {plane}"
    )
    figure.update_layout(showlegend=False, margin={"b": 4})  # the caption says what is dashed
    views.film(
        figure,
        key=f"{PAGE}_viewer",
        aspect=3 * width / height,
        alt=f"{subject.words}: original, augmented, and their difference.",
        stage=True,
        on_step=partial(composer.step, seed),
    )
    said = f"Dashed: {subject.label_words}. " if _labelled(subject) else ""
    st.caption(
        f"{subject.words}. {said}Difference: orange became brighter, blue darker. Drag to zoom; "
        "the panels move together."
    )
    for note in subject.notes:
        st.caption(note)


def side_mark(subject: Subject, moved: Moved, side: str | None) -> str | None:
    """The side mark of the image after a draw: mirroring takes it along.

    On a slice of a head it names the side at the picture's left; on a film the side of the body,
    whose letter is mirrored with the film.
    """
    if side is None or not moved.motion.mirrored:
        return side
    if subject.affine is None:
        return f"{side}, mirrored"
    return {"R": "L", "L": "R"}.get(side, side)


def _labelled(subject: Subject) -> bool:
    known = subject.labels
    return bool(len(known.box_names) or known.masks or known.points)


def _scale(
    subject: Subject, shown: Picture
) -> tuple[tuple[float, float] | None, str | None]:  # fmt: skip
    """Spacing of the shown picture, and the letter of the side at its left."""
    if subject.affine is None:
        spacing = subject.spacing_mm
        return (spacing[0], spacing[1]) if spacing else None, subject.laterality
    plane, _ = where(subject)
    extent = [n * mm for n, mm in zip(subject.pixels.shape, _three(subject), strict=True)]
    del extent[NORMAL[plane]]
    mm = max(extent) / max(shown.shape[:2])
    return (mm, mm), SIDE_LETTERS[plane]


def _boxes(moved: Moved) -> list[box_layers.BoxLayer]:
    labels = moved.labels
    if not len(labels.boxes_xyxy):
        return []
    few = len(labels.box_names) <= 4
    return [
        box_layers.BoxLayer(
            name="labels (dashed)",
            boxes_xyxy=labels.boxes_xyxy,
            labels=labels.box_names if few else ("",) * len(labels.box_names),
            hovers=labels.box_names,
            colour=TRUTH,
            dashed=True,
        )
    ]


def drawn_parts(modality: Modality, one: Draw) -> None:
    """What was drawn, each with its badge, why, and the source."""
    if not one.parts and not one.skipped:
        st.info("The pipeline is empty. Add a transform in the sidebar.")
        return
    lines = []
    measured = evidence.beside(modality.experiments)
    for number, part in enumerate(one.parts, start=1):
        drawn = {name: (value, value) for name, value in part.values.items()}
        badge = safety.judged(modality.name, modality.catalogue[part.transform], drawn)
        lines.append(
            f"{number}. **{words(part, modality.catalogue)}** {composer.badge(badge.level)} "
            f"{badge.why} :gray[{badge.source}.] {measured.get(part.transform, '')}"
        )
    st.markdown("\n".join(lines))
    if one.skipped:
        names = ", ".join(modality.catalogue[name].title.lower() for name in one.skipped)
        st.caption(f"Left out of this draw by chance: {names}.")


def label_state(subject: Subject, moved: Moved, found: Sequence[checks.Flag]) -> None:
    """What the draw made of shapes and labels: figures, then what no longer holds."""
    motion, before = moved.motion, subject.labels
    shown = []
    if before.box_names:
        shown.append(Figure("Boxes left", f"{len(moved.kept)} of {len(before.box_names)}"))
    if before.masks and subject.pixels.ndim == 2:
        total = sum(int(mask.sum()) for mask in before.masks.values())
        left = sum(int(mask.sum()) for mask in moved.labels.masks.values())
        shown.append(
            Figure("Area of masks", f"{percent(left / max(total, 1))}", note="of the original")
        )
    shown += [
        Figure("Turned", f"{motion.turn_degrees:+.0f}°"),
        Figure("Lengths", f"× {motion.scale:.2f}"),
        Figure("Stretched", f"{percent(motion.stretch)}", note="one way more than the other"),
        Figure("Filled in", f"{percent(moved.outside)}", note="nothing was there"),
    ]
    views.metric_strip(shown)
    for flag in found:
        st.warning(flag.sentence, icon=":material/flag:")


def grid(modality: Modality, subject: Subject, pipeline: tuple[Planned, ...], seed: int) -> None:
    """Nine draws, this one first; of a head three, until more are asked for."""
    count, bar = GRID, None
    if subject.pixels.ndim == 3:
        nine = st.toggle("Nine draws (slower)", key=f"{PAGE}_nine", persist_state="session")
        count = GRID if nine else 3
        bar = st.progress(0.0, "Drawing …")
    draws = [draw(pipeline, modality.catalogue, seed + n) for n in range(count)]
    for start in range(0, count, 3):
        columns = st.columns(3, gap="medium")
        for column, one in zip(columns, draws[start : start + 3], strict=True):
            moved = after(subject, one)
            with column:
                _tile(modality, subject, one, moved, chosen=one.seed == seed)
            if bar is not None:
                bar.progress((one.seed - seed + 1) / count, "Drawing …")
    if bar is not None:
        bar.empty()


def _tile(modality: Modality, subject: Subject, one: Draw, moved: Moved, *, chosen: bool) -> None:
    said = "; ".join(words(part, modality.catalogue) for part in one.parts) or "nothing applied"
    st.image(
        pictures.thumbnail(picture(subject, moved, boxes=True)),
        width=DRAW_WIDTH,
        output_format="JPEG",
        alt=f"Draw {one.seed}: {said}.",
    )
    found = checks.flags(subject.modality, subject.pixels, subject.labels, moved)
    flagged = f" :orange-badge[:material/flag: {len(found)}]" if found else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Draw {one.seed}", key=f"{PAGE}_show{one.seed}", type="tertiary",
            on_click=composer.show_draw, args=(one.seed,), disabled=chosen,
            help="Look at this draw in the viewer above.",
        )  # fmt: skip
        st.markdown(
            flagged, help=" ".join(flag.sentence for flag in found)
        ) if found else None  # fmt: skip
    st.caption(said)


def histograms(subject: Subject, moved: Moved) -> None:
    """Grey values before and after."""
    before, now = subject.pixels, moved.pixels
    unit = "pixels" if before.ndim == 2 else "voxels"
    low = float(before.min()) + 0.03 * float(np.ptp(before))
    if before.ndim == 3:  # air would dwarf the rest
        before, now = before[before > low], now[now > low]
    figure = volume_figures.histogram(
        [("before", before.ravel(), "dash"), ("after", now.ravel(), "solid")],
        "grey value, 0 black to 1 white" if unit == "pixels" else "intensity, without air",
    )
    figure.update_yaxes(title=f"share of {unit}, logarithmic", type="log")
    if unit == "pixels":
        figure.update_xaxes(range=[0, 1])
    charts.chart(
        figure, key=f"{PAGE}_histogram", alt="Histogram of grey values before and after.",
        config=figures.CONFIG,
    )  # fmt: skip
    st.caption(
        "Geometry moves the picture and hardly the curve; black that is filled in piles up at the "
        "left. Grey-value transforms move the curve: what piles up at an end is lost."
    )


def gallery(modality: Modality, subject: Subject) -> None:
    """Every transform at the upper end of its usual range, with badge and source; add by button."""
    st.markdown(
        "Every transform alone, at the strong end of what trainings use. The badge is for this "
        "kind of image; another one may bear it or not."
    )
    seed = int(st.session_state.get(f"{PAGE}_draw", 1))
    for group in modality.groups:
        st.markdown(f"##### {group}")
        names = [name for name, one in modality.catalogue.items() if one.group == group]
        for start in range(0, len(names), 4):
            for column, name in zip(st.columns(4), names[start : start + 4], strict=False):
                with column:
                    _exhibit(modality, subject, name, seed)


def _exhibit(modality: Modality, subject: Subject, name: str, seed: int) -> None:
    transform = modality.catalogue[name]
    values = {one.name: one.usual[1] for one in transform.parameters}
    st.image(
        exhibited(subject, fixed(name, values, seed)),
        width="stretch",
        output_format="JPEG",
        alt=f"{transform.title} alone at the strong end of its usual range.",
    )
    badge = safety.badge(modality.name, name)
    st.markdown(f"**{transform.title}** {composer.badge(badge.level)}")
    st.caption(f"{transform.why} {badge.why} *{badge.source}.*")
    st.button("Add", key=f"{PAGE}_exhibit_{modality.kind}_{name}", icon=":material/add:",
              on_click=composer.add, args=(modality, name),
              help=f"Add {transform.title.lower()} to the pipeline")  # fmt: skip


def experiments(modality: Modality, pipeline: tuple[Planned, ...]) -> None:
    """What training with and without transforms brought, where it was measured."""
    path = modality.experiments
    if path is None or not Path(path).is_file():
        st.info("Of this task no training with and without a transform was measured.")
        return
    table = pd.read_csv(path)
    if "factor" in table.columns:
        table, _ = summed(table)
        said = conclusion(table)
        used = {planned.transform for planned in pipeline}
        table["in this pipeline"] = [
            evidence.transform_of(setting) in used for setting in table["trained with"]
        ]
        table = measured_experiments.summary(table)
    else:
        said = "The table names no augmentation."
    st.markdown(f"**Trained with and without augmentation.** {said}")
    st.dataframe(
        table, hide_index=True, height="content", alt="Table of measured training experiments."
    )
