"""The effect on the model: many draws as a distribution, one parameter as a curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.augment import pictures, report
from core.augment.pipeline import Draw, ParameterSpec, Planned, TransformSpec, draw, fixed, to_text
from core.augment.report import Measure, Trial
from core.errors import ImagingError
from core.plots import viewer
from models.cards import ModelCard
from pages.shared import charts, views
from pages.shared.model_choice import choose
from pages.shared.views import Download
from pages.tasks.augmentation import runs
from pages.tasks.augmentation import views as lab
from pages.tasks.augmentation.modalities import Modality
from pages.tasks.augmentation.models import Answering, Looked
from pages.tasks.augmentation.runs import Job
from pages.tasks.augmentation.subjects import Subject

PAGE = "augmentation"
POLL_SECONDS = 0.7
Chart = Callable[[Job], go.Figure]


def effect(
    modality: Modality, subject: Subject, pipeline: tuple[Planned, ...], seed: int
) -> None:  # fmt: skip
    """The model's answer to many draws of the pipeline, as a distribution.

    Raises:
        ImagingError: If the model's weights are missing, or it cannot answer.
    """
    cards = _models(modality)
    least, usual, most = modality.draws
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    count = left.slider(
        "Draws", least, most, usual, 4, key=f"{PAGE}_{modality.name}_count",
        persist_state="session",
        help="Each is another draw from the pipeline; the model answers all of them.",
    )  # fmt: skip
    plan = [(draw(pipeline, modality.catalogue, seed + n), None) for n in range(count)]
    wanted = f"effect|{subject.digest}|{to_text(pipeline)}|{seed}|{count}|{_named(cards)}"
    make = partial(modality.answering, subject, cards)
    answering = make()
    job = _job(wanted, make, subject, plan, right)
    chart = partial(_distribution, answering.measures)
    if _watched(job, chart, f"Answers to {count} draws of the pipeline.") and job is not None:
        for measure in answering.measures:
            values = np.array([trial.figures[measure.key] for trial in job.trials])
            st.markdown(report.summary(measure, job.original[measure.key], values))
        about = f"{count} draws of “{to_text(pipeline)}” from {seed}."
        _more(modality, subject, answering, job, about, "")


def sweep(
    modality: Modality, subject: Subject, pipeline: tuple[Planned, ...], seed: int
) -> None:  # fmt: skip
    """The model's answer over one parameter of one transform, all else left as it is.

    Raises:
        ImagingError: If the model's weights are missing, or it cannot answer.
    """
    cards = _models(modality)
    transform, parameter = _parameter(modality, pipeline)
    low, high, points, repeats = _grid(modality, transform, parameter)
    values = np.linspace(low, high, points)
    if parameter.whole:
        values = np.unique(np.round(values))
    rest = {one.name: sum(one.usual) / 2 for one in transform.parameters}
    plan = [
        (fixed(transform.name, {**rest, parameter.name: round(float(value), 6)}, seed + n), value)
        for value in values.tolist()
        for n in range(repeats)
    ]
    wanted = (
        f"sweep|{subject.digest}|{transform.name}|{parameter.name}|{low}|{high}|{points}|{repeats}"
        f"|{_named(cards)}"
    )
    make = partial(modality.answering, subject, cards)
    answering = make()
    job = _job(f"{wanted}|{seed}", make, subject, plan, st.container())
    unit = f" ({parameter.unit})" if parameter.unit else ""
    title = f"{transform.title}: {parameter.label.lower()}{unit}"
    chart = partial(_curve, answering.measures, title, parameter.usual)
    if _watched(job, chart, f"The answer over {title}.") and job is not None:
        for measure in answering.measures:
            st.markdown(_in_words(measure, job, parameter))
        st.caption("Grey: the range that trainings usually take. Band: from the lowest to the "
                   "highest of the repeats, which differ in their random fields.")  # fmt: skip
        _more(modality, subject, answering, job, f"Sweep of {title}, draw {seed}.", title)


def _parameter(
    modality: Modality, pipeline: tuple[Planned, ...]
) -> tuple[TransformSpec, ParameterSpec]:  # fmt: skip
    """The transform and the parameter to sweep; the pipeline's first one at first."""
    names = [name for name, one in modality.catalogue.items() if one.parameters]
    first = next((one.transform for one in pipeline if one.transform in names), names[0])
    left, right = views.pair("effect")
    name = left.selectbox(
        "Transform", names, names.index(first), key=f"{PAGE}_{modality.kind}_swept",
        format_func=lambda one: modality.catalogue[one].title,
        help="It is applied alone, whatever the pipeline says.", persist_state="session",
    )  # fmt: skip
    transform = modality.catalogue[name]
    listed = [one.name for one in transform.parameters]
    chosen = right.selectbox(
        "Parameter", listed, key=f"{PAGE}_{name}_parameter", disabled=len(listed) == 1,
        format_func=lambda one: transform.parameter(one).label, persist_state="session",
    )  # fmt: skip
    return transform, transform.parameter(chosen)


def _grid(
    modality: Modality, transform: TransformSpec, parameter: ParameterSpec
) -> tuple[float, float, int, int]:  # fmt: skip
    """From where to where, at how many values, and how often each."""
    first = reach(transform, parameter)
    columns = st.columns([3, 2, 2], gap="large")
    whole = parameter.step >= 1
    convert = int if whole else float
    low, high = columns[0].slider(
        f"From and to{f' ({parameter.unit})' if parameter.unit else ''}",
        convert(parameter.low), convert(parameter.high),
        (convert(first[0]), convert(first[1])), convert(parameter.step),
        key=f"{PAGE}_{transform.name}_{parameter.name}_sweep", persist_state="session",
    )  # fmt: skip
    points = columns[1].slider(
        "Values", 3, 31, 13 if modality.kind == "film" else 7, 2,
        key=f"{PAGE}_{modality.kind}_points", persist_state="session",
    )  # fmt: skip
    if not transform.field:
        return float(low), float(high), points, 1
    repeats = columns[2].slider(
        "Repeats", 1, 5, 3 if modality.kind == "film" else 1,
        key=f"{PAGE}_{modality.kind}_repeats", persist_state="session",
        help="This transform draws a random field, too: each value is tried with several.",
    )  # fmt: skip
    return float(low), float(high), points, repeats


def reach(transform: TransformSpec, parameter: ParameterSpec) -> tuple[float, float]:
    """The range of a first sweep: three times the usual one for geometry, else all there is."""
    if not transform.moves or transform.field:
        return parameter.low, parameter.high
    middle, half = sum(parameter.usual) / 2, (parameter.usual[1] - parameter.usual[0]) / 2
    low, high = np.clip([middle - 3 * half, middle + 3 * half], parameter.low, parameter.high)
    return round(float(low), 4), round(float(high), 4)


def _models(modality: Modality) -> dict[str, ModelCard]:
    """The models that answer, chosen where there are several: ours, or a person's own."""
    columns = st.columns(max(len(modality.models), 2), gap="large")
    found = {}
    for column, (role, (label, first)) in zip(columns, modality.models.items(), strict=False):
        key = f"{PAGE}_{modality.name}_{role}"
        with column:
            found[role] = choose(label, modality.task, role, key, (first,))
    return found


def _named(cards: Mapping[str, ModelCard]) -> str:
    return "+".join(card.sha256 + card.name for card in cards.values())


def _job(
    wanted: str,
    make: Callable[[], Answering],
    subject: Subject,
    plan: Sequence[tuple[Draw, float | None]],
    place: st.delta_generator.DeltaGenerator,
) -> Job | None:
    """The job of a question, with the button that starts it."""
    runs.end_others(wanted)
    job = runs.jobs().get(wanted)
    if job is None or job.state != "running":
        place.button(
            "Run" if job is None else "Run again",
            key=f"{PAGE}_run",
            icon=":material/play_arrow:",
            type="primary" if job is None else "secondary",
            on_click=runs.start,
            args=(wanted, subject, make, plan),
        )
    if job is None:
        st.caption(
            f"The model will answer {len(plan)} images in the background; you can stop it."
        )  # fmt: skip
    return job


def _watched(job: Job | None, chart: Chart, alt: str) -> bool:
    """Progress, stop button and the growing chart; whether there is a result to speak of.

    Raises:
        ImagingError: What broke the job.
    """
    if job is None:
        return False
    if job.state == "running":
        _watch(job, chart, alt)
        return False
    if isinstance(job.error, ImagingError):
        raise job.error
    if job.error is not None:
        raise RuntimeError("the model failed on a draw") from job.error
    if not job.trials:
        st.info(f"Stopped before the first of {job.total} answers.", icon=":material/stop_circle:")
        return False
    if job.state == "stopped":
        st.info(
            f"Stopped: {len(job.trials)} of {job.total} answers are shown.",
            icon=":material/stop_circle:",
        )
    _plot(chart(job), alt)
    return True


def _watch(job: Job, chart: Chart, alt: str) -> None:
    @st.fragment(run_every=POLL_SECONDS)
    def watch() -> None:
        if job.state != "running":
            st.rerun(scope="app")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.fraction, job.words)
            st.button("Stop", key=f"{PAGE}_stop", icon=":material/stop:", on_click=job.end)
        if job.trials and job.original:
            _plot(chart(job), alt)

    watch()


def _plot(figure: go.Figure, alt: str) -> None:
    charts.chart(figure, key=f"{PAGE}_answers", alt=alt, config=viewer.CONFIG)


def _distribution(measures: Sequence[Measure], job: Job) -> go.Figure:
    return report.distribution(measures, job.original, list(job.trials))


def _curve(
    measures: Sequence[Measure], title: str, usual: tuple[float, float], job: Job
) -> go.Figure:  # fmt: skip
    return report.sweep_curve(measures, job.original, list(job.trials), title, usual)


def _in_words(measure: Measure, job: Job, parameter: ParameterSpec) -> str:
    """The curve in a sentence: where it is best and worst."""
    values, answers = report.grouped(job.trials, measure.key)
    mean, _, _ = report.spans(answers)
    if not np.isfinite(mean).any():
        return f"{measure.title}: no answer at any value: the label left the image."
    harm = report.harm(measure, job.original[measure.key], mean)
    shown = np.where(np.isfinite(mean), harm, -np.inf)
    worst = int(shown.argmax())
    return (
        f"{measure.title}: {measure.words(job.original[measure.key])} on the original, "
        f"{measure.words(float(mean[0]))} at {parameter.words(values[0])}, "
        f"{measure.words(float(mean[-1]))} at {parameter.words(values[-1])}; worst at "
        f"{parameter.words(values[worst])} with {measure.words(float(mean[worst]))}."
    )


def _more(
    modality: Modality, subject: Subject, answering: Answering, job: Job, about: str, title: str
) -> None:
    """Best and worst draw, the table, and both as files."""
    measures = answering.measures
    by_key = {one.key: one for one in measures}
    judged = measures[0]
    if len(measures) > 1:
        chosen = st.segmented_control(
            "Best and worst by", list(by_key), default=judged.key, required=True,
            format_func=lambda key: by_key[key].title, key=f"{PAGE}_{modality.name}_judged",
        )  # fmt: skip
        judged = by_key.get(chosen, judged)
    best, worst = report.best_and_worst(judged, job.original, job.trials)
    untouched = Draw(0, ())
    names = (
        ("Changed least", "Changed most")
        if judged.better == "same"
        else ("Least harmed", "Most harmed")
    )
    shown = [("Original", untouched), (names[0], best.draw), (names[1], worst.draw)]
    looked = []
    with st.spinner("Drawing the answers …", show_time=False):
        for (name, one), column in zip(shown, st.columns(3, gap="medium"), strict=True):
            found = _looked(modality.name, subject, one, answering)
            looked.append((name, pictures.thumbnail(found.picture)))
            column.image(
                pictures.thumbnail(found.picture, 640), width="stretch", output_format="JPEG",
                alt=f"{name}: {found.words}.",
            )  # fmt: skip
            said = _said(modality, judged, job, best if one is best.draw else worst, one)
            column.caption(f"**{name}**: {said}{found.words}")
    rows = report.rows(measures, job.original, job.trials, modality.catalogue)
    with st.expander("All answers as a table", icon=":material/table:"):
        alt = "Every draw with the model's answer, its parameters and flags."
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=320, alt=alt)
    stem = f"{modality.name}_{'sweep' if title else 'robustness'}"
    heading = f"{modality.title}: {about}"
    picture = partial(report.png, heading, measures, job.original, job.trials, looked, title)
    views.downloads(
        f"{PAGE}_report",
        [
            Download("Report (CSV)", f"{stem}.csv", partial(report.csv, rows, about)),
            Download("Report (PNG)", f"{stem}.png", picture),
        ],
    )
    views.error_line(answering.card)


def _said(modality: Modality, judged: Measure, job: Job, trial: Trial, one: Draw) -> str:
    if not one.parts and trial.draw is not one:
        return f"{judged.title.lower()} {judged.words(job.original[judged.key])}, "
    said = "; ".join(lab.words(part, modality.catalogue) for part in one.parts) or "nothing"
    figure = f"{judged.title.lower()} {judged.words(trial.figures[judged.key])}"
    number = "" if trial.value is not None else f"draw {one.seed}, "
    return f"{number}{figure} ({said}), "


def _looked(modality: str, subject: Subject, one: Draw, answering: Answering) -> Looked:
    return _kept_look(modality, subject.digest, f"{one}", subject, one, answering)


@st.cache_data(max_entries=24, scope="session", show_spinner=False)
def _kept_look(
    modality: str, digest: str, what: str, _subject: Subject, _draw: Draw, _answering: Answering
) -> Looked:
    return _answering.look(_subject.after(_draw))
