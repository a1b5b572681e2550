"""Why the answer: heat maps, an occlusion map, what each model said, neighbours, the methods."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.bone_age import overlays, plots
from core.bone_age.growth import short, signed, years_and_months
from core.bone_age.result import BoneAge
from core.images import FloatArray
from core.percent import percent
from core.phantoms.hand.phantom import AGES_MONTHS
from core.plots import draw, viewer
from models.cards import ModelCard
from pages.shared import background, views
from pages.shared.address import KEPT
from pages.tasks.bone_age import loaders, methods
from pages.tasks.bone_age.sidebar import PAGE, HandParameters, current_phantom, estimators
from pages.tasks.bone_age.views import Reading, member_name, picture, side_of

VIEWS = (
    "Attention",
    "Grad-CAM",
    "Occlusion",
    "Each model",
    "Neighbouring ages",
    "How readers do it",
)
OCCLUSION_WAYS = ("Older or younger", "Older", "Younger")
ATTENTION = (
    "How much each place weighs in what a network averages before it answers. Weight alone "
    "explains little: empty film may have much of it and change nothing."
)
GRAD_CAM = (
    "Where the last feature maps pushed the answer (Selvaraju et al. 2017), here towards more or "
    "fewer months alike."
)


def show(reading: Reading) -> None:
    """Choose one of the explanations."""
    view = st.selectbox("Explanation", VIEWS, key=f"{PAGE}_explanation", width=320, **KEPT)
    if view == "Attention":
        _attention(reading)
    elif view == "Grad-CAM":
        _grad_cam(reading)
    elif view == "Occlusion":
        _occlusion(reading)
    elif view == "Each model":
        _models(reading)
    elif view == "Neighbouring ages":
        neighbours(reading)
    else:
        methods.show()


def _attention(reading: Reading) -> None:
    maps = {
        name: heat
        for name, member in reading.found.members.items()
        if (heat := member.attention_on_film(reading.image.shape)) is not None
    }
    if not maps:
        st.info(f"“{reading.settings.card.title}” has no attention; choose another model.")
        return
    st.markdown(ATTENTION)
    _maps(reading, maps, "Attention")


def _grad_cam(reading: Reading) -> None:
    settings = reading.settings
    if settings.card.is_own:
        st.info(f"“{settings.card.title}” has no gradients here; look at its occlusion map.")
        return
    st.markdown(GRAD_CAM)
    maps = views.show_error(lambda: loaders.grad_cam(settings.card, reading.image, settings.sex))
    if maps is not None:
        _maps(reading, maps, "Grad-CAM")


def _maps(reading: Reading, maps: Mapping[str, FloatArray], name: str) -> None:
    """The map of all networks together, and that of each."""
    members = reading.found.members
    shown = {member_name(one): heat for one, heat in maps.items()}
    if len(maps) > 1:
        shares = [
            f"{member_name(one)}, {percent(members[one].weight)} of the answer" for one in maps
        ]
        shown = {
            "All networks, by their shares": loaders.weighted(maps, reading.found),
            **dict(zip(shares, maps.values(), strict=True)),
        }
    film = picture(reading.case, reading.settings)
    columns = st.columns(max(len(shown), 3), gap="small")
    for column, (words, heat) in zip(columns, shown.items(), strict=False):
        overlay = draw.tile(draw.with_heat(film, heat, 0.7), 420, 520)
        column.image(overlay, words, width="stretch", alt=f"{name} of {words}.")
    st.caption(
        "Each map is scaled to its own maximum: it shows what mattered to the network, not what "
        "is healthy or ill."
    )


def _heat_viewer(reading: Reading, heat: FloatArray, name: str) -> None:
    """One map over the film, with a slider for its strength that the browser moves."""
    shown = picture(reading.case, reading.settings)
    views.film(
        viewer.heat_viewer(
            shown,
            heat,
            spacing_mm=reading.image.spacing_mm,
            laterality=side_of(reading.case),
            revision=reading.image.digest,
        ),
        key=f"{PAGE}_heat_{name.lower().replace('-', '_')}",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{name} of {reading.settings.card.title} over the radiograph.",
    )


def _occlusion(reading: Reading) -> None:
    """The occlusion map, computed on request: it runs the networks many times."""
    st.markdown(
        "A black patch is moved over the hand and the networks read it again each time. Where "
        "the answer moves most, the covered place mattered most (as Lee et al., Journal of "
        "Digital Imaging 2017;30:427-441, looked into their bone-age network)."
    )
    settings, image = reading.settings, reading.image
    card, sex = settings.card, settings.sex
    wanted = (image.digest, card.name, card.sha256, sex)
    state = f"{PAGE}_occluded"
    if st.session_state.get(state) != wanted:
        if not st.button("Compute the occlusion map", key=f"{PAGE}_occlude", type="primary"):
            return
        st.session_state[state] = wanted
    change = background.result(
        f"{PAGE}_occlusion",
        wanted,
        lambda run: loaders.occlusion(card, image, sex, run.report),
        is_public=image.is_public,
    )
    if change is None:
        return
    way = st.selectbox(
        "Show where hiding makes the answer", OCCLUSION_WAYS, key=f"{PAGE}_occlusion_way", width=320
    )
    heat, most = plots.occlusion_heat(change, way)
    _heat_viewer(reading, heat, "Occlusion")
    st.caption(
        f"The brightest place moves the answer by {most:.1f} months."
        if most > 0
        else "Hiding no place moves the answer this way."
    )


def _models(reading: Reading) -> None:
    """What every model received, what it answered, and where it looked."""
    cards = estimators()
    known, sex = reading.known_months, reading.settings.sex
    rows = []
    for column, card in zip(st.columns(len(cards), gap="small"), cards, strict=True):
        found = views.show_error(loaders.estimate, card, reading.image, sex)
        if found is None:
            continue
        error = "" if known is None else signed(found.months - known)
        rows.append(_row(card, found, error))
        with column:
            st.markdown(f"**{card.title}**  \n{short(found.months)}{error and f', {error}'}")
            for name, member in found.members.items():
                seen = draw.tile(overlays.shown(member.seen), 320, 390)
                heat = member.attention_on_film(reading.image.shape)
                words = f"Received by {member_name(name)}"
                st.image(seen, words, width="stretch", alt=f"Input of {card.title}.")
                if heat is not None and len(found.members) == 1:
                    film = draw.windowed(reading.image.pixels)
                    overlay = draw.tile(draw.with_heat(film, heat, 0.7), 320, 390)
                    alt = f"Attention of {card.title}."
                    st.image(overlay, "Attention", width="stretch", alt=alt)
            for failed in (step for step in found.steps if step.error):
                st.warning(f"{failed.name}: {failed.error}", icon=":material/error:")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        alt="Answer, interval and measured error of every model.",
    )


def _row(card: ModelCard, found: BoneAge, error: str) -> dict[str, str]:
    """A model's answer as a line of the table."""
    row = {
        "Model": card.title,
        "Bone age": short(found.months),
        "90 % interval": f"{short(found.low_months)} – {short(found.high_months)}",
        "Error": error,
    }
    if card.metrics:
        first = card.metrics[0]
        row["Measured"] = f"{first.name} {first.value:.1f} ({first.split}, n = {first.n})"
    return {name: value for name, value in row.items() if value}


def neighbours(reading: Reading) -> None:
    """The film between phantoms of a year less, the same, and a year more than the answer."""
    months, sex = reading.found.months, reading.settings.sex
    base = current_phantom()
    base = HandParameters(seed=base.seed, sex=sex or base.sex)
    st.markdown(
        "How a simulated hand looks at the answered bone age and a year to either side. Compare "
        "the growth plates of fingers, radius and ulna, and the carpal bones, with those of the "
        "film."
    )
    shown = [("This film", picture(reading.case, reading.settings))]
    for step, name in ((-12, "A year less"), (0, "The answer"), (12, "A year more")):
        age = min(max(months + step, AGES_MONTHS[0]), AGES_MONTHS[1])
        words = f"{name}: phantom of {years_and_months(age)}"
        shown.append((words, draw.windowed(base.aged(age).image.pixels)))
    for column, (words, film) in zip(st.columns(4), shown, strict=True):
        column.image(draw.tile(film, 512, 640), words, width="stretch", alt=words)
    if sex is None:
        st.caption("No sex was entered, so the phantoms have that of the sidebar's phantom.")
