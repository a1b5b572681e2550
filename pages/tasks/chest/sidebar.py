"""The chest page's sidebar: phantom, models and how the heat map is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from core.chest import projection
from core.glossary import GLOSSARY
from core.phantoms.chest.phantom import FINDINGS, VIEWS, chest_phantom
from core.phantoms.limb.phantom import LimbPhantom, limb_phantom
from models.cards import ModelCard, cards_of, load_card, task_cards
from pages.shared.address import KEPT
from pages.shared.inputs import Case, Display, display
from pages.shared.model_choice import choose

UPRIGHT = "Chest"
DEGRADED = {"Chest, turned": "turned", "Chest, inverted": "inverted"}
HAND = "Hand"
KINDS = (UPRIGHT, *DEGRADED, HAND)
FIRST_MODEL = ("findings",)
FIRST_SEED = 10
FIRST_RATIO = 0.62
LEAST_RATIO, MOST_RATIO = 0.36, 0.70
SIMULATED = tuple(name for name in FINDINGS if name != "Cardiomegaly")  # that one has a slider
VIEW_UNKNOWN = "Not known"


@dataclass(frozen=True)
class Settings:
    """The page's parameters; all but the models act on results only."""

    classifier: ModelCard
    segmenter: ModelCard
    film_kind: ModelCard
    threshold: float
    outlines: bool
    display: Display


@dataclass(frozen=True)
class Phantom:
    """What the sidebar says of the phantom."""

    seed: int = FIRST_SEED
    heart_ratio: float = FIRST_RATIO
    findings: tuple[str, ...] = ()
    severity: float = 1.0
    view: str = "PA"
    kind: str = UPRIGHT


@st.cache_data(max_entries=64, show_spinner=False)
def made(parameters: Phantom) -> Case:
    """A phantom as a case with its truth."""
    if parameters.kind == HAND:
        hand, _ = limb_phantom(LimbPhantom(seed=parameters.seed, kind="hand"))
        return Case(hand, {}, "Phantom", f"Hand phantom {parameters.seed}")
    found = chest_phantom(
        parameters.seed,
        heart_ratio=parameters.heart_ratio,
        findings=parameters.findings,
        severity=parameters.severity,
        view=parameters.view,
    )
    listed = ", ".join(sorted(found.findings)) or "no finding"
    words = f"Phantom {parameters.seed}: cardiothoracic ratio {found.ctr:.2f}, {listed}"
    truth = {"ctr": found.ctr, "findings": sorted(found.findings)}
    if parameters.kind in DEGRADED:
        degraded = projection.degraded(found.image, DEGRADED[parameters.kind])
        return Case(degraded, truth, "Phantom", words)
    truth |= {"masks": found.masks, "boxes": found.boxes}
    return Case(found.image, truth, "Phantom", words)


def phantom(key: str) -> Case:
    """The phantom's own widgets, and the case they make."""
    left, right = st.columns([2, 1])
    left.selectbox(
        "Film",
        KINDS,
        key=f"{key}_kind",
        help="The last three show how films are refused that the networks did not learn from.",
        **KEPT,
    )
    right.selectbox("View", VIEWS, key=f"{key}_view", help=GLOSSARY["view"], **KEPT)
    st.slider(
        "Heart size (cardiothoracic ratio)",
        LEAST_RATIO,
        MOST_RATIO,
        FIRST_RATIO,
        0.01,
        key=f"{key}_ratio",
        help=GLOSSARY["cardiothoracic ratio"],
        **KEPT,
    )
    st.multiselect(
        "Simulated findings",
        SIMULATED,
        format_func=lambda name: name.replace("_", " "),
        key=f"{key}_simulated",
        help="What is simulated in the phantom’s lungs; its place is known to the pixel.",
        **KEPT,
    )
    if st.session_state.get(f"{key}_simulated"):
        st.slider("Size of the findings", 0.3, 2.0, 1.0, 0.1, key=f"{key}_severity", **KEPT)
    st.number_input(
        "Phantom number",
        0,
        99_999,
        FIRST_SEED,
        key=f"{key}_seed",
        help="The random sample (seed) of build, ribs, vessels, exposure and noise. The same "
        "number gives the same chest, whatever the heart size.",
        **KEPT,
    )
    return made(current_phantom(key))


def viewed(case: Case, key: str = "chest") -> Case:
    """The case with its view: as the file or the table says, or as a person chose it.

    The choice goes with the film: another film opens on what is known of it.
    """
    known = case.image.view or case.truth.get("view")
    if case.origin != "Phantom" and known in (None, *VIEWS):
        with st.sidebar:
            known = choose_view("View", f"{key}_view_{case.image.digest[:12]}", known)
    return replace(case, image=replace(case.image, view=known))


def choose_view(label: str, key: str, known: str | None = None) -> str | None:
    """ "PA" or "AP", or None where nobody knows it."""
    chosen = st.segmented_control(
        label,
        (*VIEWS, VIEW_UNKNOWN),
        default=known or VIEW_UNKNOWN,
        required=True,
        key=key,
        help=f"{GLOSSARY['view']} On an AP film the ratio is not judged by 0.5.",
        persist_state="session",
    )
    return None if chosen == VIEW_UNKNOWN else str(chosen)


def current_phantom(key: str = "chest") -> Phantom:
    """The phantom that the sidebar describes, also while another source is chosen."""
    state = st.session_state
    return Phantom(
        seed=int(state.get(f"{key}_seed", FIRST_SEED)),
        heart_ratio=round(float(state.get(f"{key}_ratio", FIRST_RATIO)), 2),
        findings=tuple(state.get(f"{key}_simulated", ())),
        severity=round(float(state.get(f"{key}_severity", 1.0)), 1),
        view=state.get(f"{key}_view", "PA"),
        kind=state.get(f"{key}_kind", UPRIGHT),
    )


def classifiers() -> list[ModelCard]:
    """Cards that answer for many findings, the default first."""
    return cards_of("chest", "findings", first=FIRST_MODEL)


def one_card(chosen: Settings, key: str = "chest") -> ModelCard:
    """The card of one of the page's networks, those in use first."""
    first = [chosen.classifier, chosen.segmenter]
    rest = [card for card in task_cards("chest") if card not in first]
    cards = {card.title: card for card in (*first, *rest, chosen.film_kind)}
    title = st.selectbox("Network", tuple(cards), key=f"{key}_card")
    return cards[title]


def settings(key: str = "chest", *, many: bool = False) -> Settings:
    """The parameters in the sidebar, below the source; only those that act on many films."""
    with st.sidebar:
        st.divider()
        card = choose(
            "Findings by",
            "chest",
            "findings",
            f"{key}_classifier",
            FIRST_MODEL,
            GLOSSARY["multi-label"],
            adding=True,
        )
        drawer = choose("Outlines by", "chest", "outlines", f"{key}_segmenter", ("heart_lungs",))
        threshold = 0
        if not many:
            threshold = _heat_from(key)
        outlines = st.toggle(
            "Outlines of heart and lungs",
            True,
            key=f"{key}_outlines",
            **KEPT,
        )
        return Settings(
            card,
            drawer,
            load_card("film_kind", "film_kind"),
            threshold / 100,
            outlines,
            display(key),
        )


def _heat_from(key: str) -> int:
    """Least heat that is shown, in percent of the hottest place."""
    least: int = st.slider(
        "Heat shown from (%)",
        0,
        95,
        0,
        5,
        key=f"{key}_threshold",
        help="Heat below this share of the film's hottest place is left out of the picture. "
        "It acts on the heat map; the network does not run again.",
        **KEPT,
    )
    return least
