"""Why the answer: heat maps, an occlusion map, what each model said, neighbours, the methods."""

from __future__ import annotations

import streamlit as st

from core.bone_age import overlays as bone_age_marks
from core.bone_age import plots as bone_age_figures
from core.bone_age.growth import short, years_and_months
from core.images import FloatArray
from core.phantoms.hand.phantom import AGES_MONTHS
from core.plots import draw
from core.plots import viewer as figures
from pages.shared import views
from pages.tasks.bone_age import loaders as bone_age_loaders
from pages.tasks.bone_age import methods as bone_age_methods
from pages.tasks.bone_age.sidebar import PAGE, HandParameters, current_phantom, estimators
from pages.tasks.bone_age.views import Reading, picture

VIEWS = ("Heat maps", "Occlusion", "Each model", "Neighbouring ages", "How readers do it")
OCCLUSION_WAYS = ("Older or younger", "Older", "Younger")
HEAT = {
    "Attention": (
        bone_age_loaders.attention,
        "The weight that the network itself gave to each place before it averaged what it saw. "
        "Weight alone explains little: empty film may have much of it and change nothing. "
        "Grad-CAM also counts what a place does to the answer.",
    ),
    "Grad-CAM": (
        bone_age_loaders.grad_cam,
        "Where the last feature maps pushed the answer (Selvaraju et al. 2017), here towards more "
        "or fewer months alike.",
    ),
}


def show(reading: Reading) -> None:
    """Choose one of the explanations."""
    view = st.segmented_control(
        "Explanation",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key=f"{PAGE}_explanation",
        label_visibility="collapsed",
        persist_state="session",
    )
    if view == "Heat maps":
        _heat_maps(reading)
    elif view == "Occlusion":
        _occlusion(reading)
    elif view == "Each model":
        _models(reading)
    elif view == "Neighbouring ages":
        neighbours(reading)
    else:
        bone_age_methods.show()


def _heat_maps(reading: Reading) -> None:
    name = st.segmented_control(
        "Map", tuple(HEAT), default="Grad-CAM", required=True, key=f"{PAGE}_heat"
    )
    compute, words = HEAT[name]
    settings = reading.settings
    heat = views.show_error(lambda: compute(settings.card, reading.image, settings.sex))
    if heat is None:
        st.info(f"“{settings.card.title}” has no {name.lower()} map; choose another model.")
        return
    _heat_viewer(reading, heat, name)
    st.caption(
        f"{words} The map is scaled to its own maximum: it shows what mattered to the network, "
        "not what is healthy or ill."
    )


def _heat_viewer(reading: Reading, heat: FloatArray, name: str) -> None:
    shown = picture(reading.case, reading.settings)
    views.film(
        figures.heat_viewer(
            shown,
            heat,
            spacing_mm=reading.image.spacing_mm,
            laterality=reading.image.laterality,
            revision=reading.image.digest,
        ),
        key=f"{PAGE}_heat_{name.lower().replace('-', '_')}",
        aspect=1.75 * shown.shape[1] / shown.shape[0],  # the slider needs its own room
        alt=f"{name} of {reading.settings.card.title} over the radiograph.",
    )


def _occlusion(reading: Reading) -> None:
    """The occlusion map, computed on request: it runs the network many times."""
    st.markdown(
        "A black patch is moved over the hand and the model reads the film again each time. Where "
        "the answer moves most, the covered place mattered most (as Lee et al., Journal of "
        "Digital Imaging 2017;30:427-441, looked into their bone-age network)."
    )
    settings = reading.settings
    wanted = (reading.image.digest, settings.card.sha256, settings.sex)
    state = f"{PAGE}_occluded"
    if st.session_state.get(state) != wanted:
        if not st.button("Compute the occlusion map", key=f"{PAGE}_occlude", type="primary"):
            return
        st.session_state[state] = wanted
    bar = st.progress(0.0, "Hiding the hand patch by patch …")

    def progress(share: float, what: str) -> None:
        bar.progress(min(share, 1.0), f"Hiding the hand patch by patch: {share:.0%}")

    change = views.show_error(
        lambda: bone_age_loaders.occlusion(settings.card, reading.image, settings.sex, progress)
    )
    bar.empty()
    if change is None:
        return
    way = st.segmented_control(
        "Hiding it makes the answer",
        OCCLUSION_WAYS,
        default=OCCLUSION_WAYS[0],
        required=True,
        key=f"{PAGE}_occlusion_way",
    )
    heat, most = bone_age_figures.occlusion_heat(change, way)
    _heat_viewer(reading, heat, "Occlusion")
    st.caption(
        f"The brightest place moves the answer by {most:.1f} months."
        if most > 0
        else "Hiding no place moves the answer this way."
    )


def _models(reading: Reading) -> None:
    """What every model received, what it said, and where its attention lay."""
    cards = estimators()
    known = reading.known_months
    for column, card in zip(st.columns(len(cards), gap="medium"), cards, strict=True):
        with column:
            st.markdown(f"**{card.title}**")
            with st.spinner("Reading …"):
                found = views.show_error(
                    lambda card=card: bone_age_loaders.estimate(
                        card, reading.image, reading.settings.sex
                    )
                )
            if found is None:
                continue
            error = "" if known is None else f"{found.months - known:+.0f} months off"
            st.metric(
                "Bone age", years_and_months(found.months), error or None, delta_color="off",
                delta_arrow="off",
            )  # fmt: skip
            st.caption(f"90 % interval {short(found.low_months)} to {short(found.high_months)}")
            seen = draw.tile(bone_age_marks.shown(found.seen), 360, 440)
            st.image(seen, "What it received", width="stretch", alt=f"Input of {card.title}.")
            heat = bone_age_loaders.grad_cam(card, reading.image, reading.settings.sex)
            if heat is not None:
                film = draw.windowed(reading.image.pixels)
                overlay = draw.tile(draw.with_heat(film, heat, 0.7), 360, 440)
                st.image(
                    overlay,
                    "What moved its answer",
                    width="stretch",
                    alt=f"Grad-CAM of {card.title}.",
                )
            for failed in (step for step in found.steps if step.error):
                st.warning(f"{failed.name}: {failed.error}", icon=":material/error:")
            for metric in card.metrics[:1]:
                st.caption(metric.sentence)
            if len(found.by_member) > 1:
                members = ", ".join(
                    f"{member} {short(months)}" for member, months in found.by_member.items()
                )
                st.caption(f"Its members said: {members}.")


def neighbours(reading: Reading) -> None:
    """The film between phantoms of a year less, the same, and a year more than the answer."""
    months, sex = reading.found.months, reading.settings.sex
    base = current_phantom()
    base = HandParameters(seed=base.seed, sex=sex or base.sex)
    st.markdown(
        "How a drawn hand looks at the answered bone age and a year to either side. Compare the "
        "growth plates of fingers, radius and ulna, and the carpal bones, with those of the film."
    )
    shown = [("This film", draw.windowed(reading.image.pixels))]
    for step, name in ((-12, "A year less"), (0, "The answer"), (12, "A year more")):
        age = min(max(months + step, AGES_MONTHS[0]), AGES_MONTHS[1])
        drawn = base.aged(age)
        words = f"{name}: phantom of {years_and_months(age)}"
        shown.append((words, draw.windowed(drawn.image.pixels)))
    for column, (words, film) in zip(st.columns(4), shown, strict=True):
        column.image(draw.tile(film, 512, 640), words, width="stretch", alt=words)
    if sex is None:
        st.caption("The sex was not given, so the phantoms have that of the sidebar's phantom.")
