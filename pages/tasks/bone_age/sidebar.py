"""The bone-age page's sidebar: phantom, what the model is given, and the page's parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.bone_age.growth import OLDEST_MONTHS, SEXES, age_between, years_and_months
from core.errors import ImagingError
from core.glossary import GLOSSARY
from core.phantoms.hand.phantom import AGES_MONTHS, COLLIMATIONS, HandPhantom, hand_phantom
from models.cards import ModelCard, cards_of
from pages.shared.address import KEPT
from pages.shared.inputs import Case, Display, display
from pages.shared.model_choice import choose

PAGE = "bone_age"
FIRST_MODELS = ("hand_age", "attention_xception", "small_cnn")
UNKNOWN = "unknown"
SEX_NAMES = {**{sex: name.capitalize() for sex, name in SEXES.items()}, UNKNOWN: "Unknown"}
AGE_WAYS = ("Not given", "Age", "Birth and examination")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
YOUNGEST_YEARS, OLDEST_YEARS = 1.0, 18.0


@dataclass(frozen=True)
class HandParameters:
    """What the sidebar says of the phantom."""

    seed: int = 4
    age_years: float = 8.0
    sex: str = "F"
    tilt_degrees: int = 0
    exposure: float = 1.0
    density: float = 1.0
    collimation: str = "none"
    marker: bool = True

    def aged(self, months: float) -> Case:
        """The same child at another age."""
        low, high = AGES_MONTHS
        return made(replace(self, age_years=min(max(months, low), high) / 12))


FIRST = HandParameters()


@dataclass(frozen=True)
class Settings:
    """The page's parameters.

    Attributes:
        card: Which model answers.
        sex: Sex given to the model: "F", "M" or None.
        age_months: Chronological age, or None where it was not given.
        looked: Whether the viewer shows where the model looked.
        display: The display window, for the eye only.
        automatic: Whether dark and pale films are windowed for the eye first.
    """

    card: ModelCard
    sex: str | None
    age_months: float | None
    looked: bool
    display: Display
    automatic: bool = True


@st.cache_resource(max_entries=64, show_spinner=False)
def simulated(parameters: HandParameters) -> HandPhantom:
    """The phantom that parameters describe; made once for everybody."""
    return hand_phantom(
        parameters.seed,
        age_months=parameters.age_years * 12,
        sex=parameters.sex,
        tilt_degrees=float(parameters.tilt_degrees),
        marker=parameters.marker,
        collimation=parameters.collimation,
        density=parameters.density,
        exposure=parameters.exposure,
    )


def made(parameters: HandParameters) -> Case:
    """A hand phantom as a case with its known age."""
    found = simulated(parameters)
    words = (
        f"Phantom {parameters.seed}: simulated hand of a {SEXES[found.sex]} of "
        f"{years_and_months(found.age_months)}"
    )
    truth = {
        "age_months": found.age_months,
        "sex": found.sex,
        "has_marker": parameters.marker,  # burned in: the viewer adds no second one
    }
    return Case(found.image, truth, "Phantom", words)


def phantom(key: str) -> Case:
    """The phantom's own widgets, and the case they make."""
    st.slider(
        "Phantom's age (years)",
        YOUNGEST_YEARS,
        OLDEST_YEARS,
        FIRST.age_years,
        0.25,
        key=f"{key}_age",
        help="Drives bone lengths, which carpal bones are there, and how far the growth plates "
        "are closed.",
        **KEPT,
    )
    left, right = st.columns(2)
    left.selectbox(
        "Phantom's sex",
        list(SEXES),
        list(SEXES).index(FIRST.sex),
        format_func=lambda sex: SEXES[sex],
        key=f"{key}_phantom_sex",
        help="Girls' bones mature earlier: at one age their growth plates are further closed.",
        **KEPT,
    )
    right.number_input(
        "Seed",
        0,
        99_999,
        FIRST.seed,
        key=f"{key}_seed",
        help="Random sample of anatomy, exposure and noise. The same seed gives the same child at "
        "every age.",
        **KEPT,
    )
    st.slider("Tilt (degrees)", -45, 45, FIRST.tilt_degrees, 5, key=f"{key}_tilt", **KEPT)
    with st.expander("Film", icon=":material/tune:"):
        st.slider(
            "Exposure",
            0.1,
            1.2,
            FIRST.exposure,
            0.05,
            key=f"{key}_exposure",
            help="1 is well windowed, 0.15 a film so dark that the eye needs the display window.",
            **KEPT,
        )
        st.slider(
            "Bone density",
            0.3,
            1.5,
            FIRST.density,
            0.1,
            key=f"{key}_density",
            help=GLOSSARY["bone density"],
            **KEPT,
        )
        st.selectbox(
            "Outside the beam",
            COLLIMATIONS,
            COLLIMATIONS.index(FIRST.collimation),
            key=f"{key}_collimation",
            help="What the collimator's frame looks like on the film. A bright frame is easily "
            "taken for the hand by pipelines that threshold.",
            **KEPT,
        )
        st.toggle("Burned-in side marker", FIRST.marker, key=f"{key}_marker", **KEPT)
    return made(current_phantom(key))


def current_phantom(key: str = PAGE) -> HandParameters:
    """The phantom that the sidebar describes, also while another source is chosen."""
    state = st.session_state
    return HandParameters(
        seed=int(state.get(f"{key}_seed", FIRST.seed)),
        age_years=float(state.get(f"{key}_age", FIRST.age_years)),
        sex=state.get(f"{key}_phantom_sex", FIRST.sex),
        tilt_degrees=int(state.get(f"{key}_tilt", FIRST.tilt_degrees)),
        exposure=float(state.get(f"{key}_exposure", FIRST.exposure)),
        density=float(state.get(f"{key}_density", FIRST.density)),
        collimation=str(state.get(f"{key}_collimation", FIRST.collimation)),
        marker=bool(state.get(f"{key}_marker", FIRST.marker)),
    )


def estimators() -> list[ModelCard]:
    """The cards of networks that tell an age; the recommended one first."""
    return cards_of(PAGE, "age", first=FIRST_MODELS)


def settings(case: Case | None, key: str = PAGE, *, many: bool = False) -> Settings:
    """The parameters in the sidebar, below the source; only those that act on many films."""
    with st.sidebar:
        st.divider()
        st.markdown("**Given to the model**")
        sex = _sex(case, key)
        months = _age(case, key)
        st.divider()
        card = choose("Model", PAGE, "age", f"{key}_model", FIRST_MODELS, adding=True)
        if many:
            return Settings(card, None if sex == UNKNOWN else sex, None, False, Display())
        looked = st.toggle(
            "Show where the model looked",
            True,
            key=f"{key}_looked",
            help="The networks' own attention: how much each place weighs in what they average. "
            "Both panels zoom together.",
            **KEPT,
        )
        automatic = st.toggle(
            "Automatic window",
            True,
            key=f"{key}_automatic",
            help="Dark and pale films are stretched for the eye. The model sees the film as read.",
            **KEPT,
        )
        return Settings(
            card,
            None if sex == UNKNOWN else sex,
            months,
            looked,
            display(key),
            automatic,
        )


def _of_case(case: Case | None) -> str:
    """The end of the keys of what belongs to one case and not to the next."""
    if case is None:
        return "batch"
    if case.origin == "Phantom":  # the same child at every age and exposure
        return f"phantom_{case.truth['sex']}"
    return case.image.digest[:12]


def _sex(case: Case | None, key: str) -> str:
    """The sex given to the model; starts with what is known of the case."""
    known = str((case.truth if case else {}).get("sex", UNKNOWN))
    return st.segmented_control(
        "Sex given to the model",
        list(SEX_NAMES),
        format_func=lambda sex: SEX_NAMES[sex],
        default=known,
        required=True,
        key=f"{key}_sex_{_of_case(case)}",
        help="The same hand means different ages for girls and boys: girls mature earlier. "
        "It belongs to this film: another film starts with what is known of it.",
        persist_state="session",
    )


def _age(case: Case | None, key: str) -> float | None:
    """Chronological age in months, or None; a sentence where the months cannot be.

    Nothing is filled in: an age that nobody entered would be compared with.
    """
    if case is None:
        return None
    key = f"{key}_{_of_case(case)}"
    way = st.selectbox(
        "Chronological age",
        AGE_WAYS,
        key=f"{key}_age_way",
        help="The child's age by the calendar, to compare the bone age with. It belongs to this "
        "film, stays in this session and enters no file but those that you download.",
        persist_state="session",
    )
    if way == AGE_WAYS[1]:
        left, right = st.columns(2)
        years = left.number_input(
            "Years",
            0,
            OLDEST_MONTHS // 12 - 1,
            None,
            key=f"{key}_years",
            placeholder="years",
            persist_state="session",
        )
        months = right.number_input(
            "Months", 0, 11, 0, key=f"{key}_months", persist_state="session"
        )
        if years is None:
            st.caption("Enter the years to compare the bone age with.")
            return None
        return float(years * 12 + months)
    if way == AGE_WAYS[2]:
        birth, exam = _month("Birth", key), _month("Examination", key)
        if birth is None or exam is None:
            st.caption("Enter month and year of both to compare the bone age with.")
            return None
        try:
            return float(age_between(birth, exam))
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")
    return None


def _month(label: str, key: str) -> tuple[int, int] | None:
    """A year and a month, chosen in two fields; None until both are."""
    left, right = st.columns(2)
    name = f"{key}_{label.lower()}"
    month = left.selectbox(
        f"{label}: month",
        MONTHS,
        index=None,
        key=f"{name}_month",
        placeholder="month",
        persist_state="session",
    )
    year = right.number_input(
        f"{label}: year",
        1900,
        2100,
        None,
        key=f"{name}_year",
        placeholder="year",
        persist_state="session",
    )
    if month is None or year is None:
        return None
    return int(year), MONTHS.index(month) + 1
