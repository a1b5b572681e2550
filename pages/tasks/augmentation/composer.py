"""The pipeline in the sidebar: transforms with their ranges, in order, and the link to them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.augment import safety
from core.augment.code import library_name
from core.augment.pipeline import (
    MOST_PARTS,
    ParameterSpec,
    Planned,
    TransformSpec,
    from_text,
    to_text,
)
from core.errors import UnsuitableInputError
from pages.tasks.augmentation.modalities import MODALITIES, Modality

PAGE = "augmentation"
COLOURS = {safety.SAFE: "green", safety.CARE: "orange", safety.WRONG: "red"}
ICONS = {
    safety.SAFE: ":material/check:",
    safety.CARE: ":material/warning:",
    safety.WRONG: ":material/block:",
}
MOST_SEED = 9999


def badge(level: str) -> str:
    """A level of safety as a coloured word."""
    return f":{COLOURS[level]}-badge[{ICONS[level]} {level}]"


def open_link() -> None:
    """Take kind of image, pipeline and draw from the address, once in a session."""
    state, asked = st.session_state, st.query_params
    if f"{PAGE}_opened" in state:
        return
    state[f"{PAGE}_opened"] = True
    name = asked.get("image") or "limb"
    if name in MODALITIES and (asked.get("pipeline") or asked.get("image")):
        state[f"{PAGE}_modality"] = name
        if asked.get("pipeline"):
            modality = MODALITIES[name]
            try:
                fill(modality, from_text(asked["pipeline"], modality.catalogue))
                count = asked["pipeline"].count(";") + 1
                if count > MOST_PARTS:
                    st.warning(
                        f"The link asks for {count} transforms; the first {MOST_PARTS} are used.",
                        icon=":material/link_off:",
                    )
            except UnsuitableInputError as err:
                st.warning(str(err), icon=":material/link_off:")
    seed = asked.get("draw", "")
    if seed.isdecimal() and len(seed) < 12 and int(seed) <= MOST_SEED:
        state[f"{PAGE}_draw"] = int(seed)


def keep_link(modality: Modality, pipeline: tuple[Planned, ...], seed: int) -> None:
    """Write the pipeline to the address, so that it can be shared; never the image."""
    wanted = {"image": modality.name, "pipeline": to_text(pipeline), "draw": str(seed)}
    if {key: st.query_params.get(key) for key in wanted} != wanted:
        st.query_params.update(wanted)


def _parts(kind: str) -> list[tuple[int, str]]:
    """The session's transforms of a kind of image: (number, name) in order."""
    found: list[tuple[int, str]] = st.session_state.setdefault(f"{PAGE}_parts_{kind}", [])
    return found


def _key(number: int, name: str) -> str:
    return f"{PAGE}_part{number}_{name}"


def _new_number() -> int:
    number = int(st.session_state.get(f"{PAGE}_numbers", 0)) + 1
    st.session_state[f"{PAGE}_numbers"] = number
    return number


def fill(modality: Modality, pipeline: tuple[Planned, ...]) -> None:
    """Replace the session's pipeline; a callback, or before its widgets are drawn."""
    parts = _parts(modality.kind)
    parts.clear()
    for planned in pipeline:
        number = _new_number()
        parts.append((number, planned.transform))
        for parameter in modality.catalogue[planned.transform].parameters:
            pair = planned.ranges.get(parameter.name, parameter.usual)
            st.session_state[_key(number, parameter.name)] = _shown(parameter, pair)
        st.session_state[_key(number, "p")] = round(planned.probability * 100)


def add(modality: Modality, name: str) -> None:
    """Append a transform with its usual ranges; a callback."""
    parts = _parts(modality.kind)
    if len(parts) < MOST_PARTS:
        parts.append((_new_number(), name))


def _chosen(modality: Modality) -> None:
    name = st.session_state.get(f"{PAGE}_add_{modality.kind}")
    if name:
        add(modality, name)
        st.session_state[f"{PAGE}_add_{modality.kind}"] = None


def _example(modality: Modality) -> None:
    name = st.session_state.get(f"{PAGE}_example_{modality.kind}")
    if name:
        fill(modality, from_text(modality.examples[name], modality.catalogue))
        st.session_state[f"{PAGE}_example_{modality.kind}"] = None


def _move(kind: str, place: int, by: int) -> None:
    parts = _parts(kind)
    other = place + by
    if 0 <= other < len(parts):
        parts[place], parts[other] = parts[other], parts[place]


def _remove(kind: str, place: int) -> None:
    _parts(kind).pop(place)


def again() -> None:
    """The next draw; a callback."""
    state = st.session_state
    state[f"{PAGE}_draw"] = (int(state.get(f"{PAGE}_draw", 1)) + 1) % (MOST_SEED + 1)


def show_draw(seed: int) -> None:
    """Look at a draw of the grid; a callback."""
    st.session_state[f"{PAGE}_draw"] = seed


def step(seed: int, by: int) -> None:
    """Go to the previous (-1) or next (1) draw; a viewer's callback."""
    show_draw((seed + by) % (MOST_SEED + 1))


def compose(modality: Modality) -> tuple[tuple[Planned, ...], int]:
    """Draw the sidebar's second part; the pipeline and the number of the draw."""
    kind = modality.kind
    if f"{PAGE}_parts_{kind}" not in st.session_state:
        first = next(iter(modality.examples.values()))
        fill(modality, from_text(first, modality.catalogue))
    with st.sidebar:
        st.divider()
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        st.session_state.setdefault(f"{PAGE}_draw", 1)
        left.number_input(
            "Draw", 0, MOST_SEED, key=f"{PAGE}_draw", persist_state="session",
            help="Every number is another draw from the ranges below. The same number, pipeline "
            "and image give the same pixels.",
        )  # fmt: skip
        right.button("Next", key=f"{PAGE}_again", icon=":material/casino:", on_click=again,
                     width="stretch")  # fmt: skip
        st.markdown("**Pipeline**, applied from top to bottom")
        parts = list(_parts(kind))
        _adding(modality, len(parts))
        if not parts:
            st.caption("Empty: the image stays as it is. Add a transform.")
        pipeline = tuple(
            _part(modality, place, number, name, len(parts))
            for place, (number, name) in enumerate(parts)
        )
    return pipeline, int(st.session_state[f"{PAGE}_draw"])


def _adding(modality: Modality, count: int) -> None:
    catalogue = modality.catalogue
    if count >= MOST_PARTS:
        st.caption(f"A pipeline holds at most {MOST_PARTS} transforms.")
    else:
        st.selectbox(
            "Add a transform",
            sorted(catalogue, key=lambda name: modality.groups.index(catalogue[name].group)),
            index=None,
            format_func=lambda name: _titled(modality, catalogue[name]),
            placeholder="Add a transform …",
            key=f"{PAGE}_add_{modality.kind}",
            on_change=_chosen,
            args=(modality,),
            label_visibility="collapsed",
        )  # fmt: skip
    st.selectbox(
        "Start from an example",
        list(modality.examples),
        index=None,
        placeholder="Start from an example …",
        key=f"{PAGE}_example_{modality.kind}",
        on_change=_example,
        args=(modality,),
        label_visibility="collapsed",
        help="Replaces the pipeline.",
    )


def _titled(modality: Modality, transform: TransformSpec) -> str:
    """What the list says and its search finds: also the names that the libraries use."""
    level = safety.badge(modality.name, transform.name).level
    usual = {one.name: one.usual for one in transform.parameters}
    return f"{transform.title} · {level} · {library_name(transform.name, modality.kind, usual)}"


def _part(modality: Modality, place: int, number: int, name: str, count: int) -> Planned:
    """One transform of the pipeline with its sliders."""
    transform, kind = modality.catalogue[name], modality.kind
    ranges = {
        one.name: st.session_state.get(_key(number, one.name), one.usual)
        for one in transform.parameters
    }
    found = safety.judged(modality.name, transform, ranges)
    said = ", ".join(
        f"{one.words(ranges[one.name][0])} to {one.words(ranges[one.name][1])}"
        for one in transform.parameters
    )
    line = f"**{place + 1}. {transform.title}** {said} {badge(found.level)}"
    # The transform that was added last stands open, the others are a line.
    newest = number == st.session_state.get(f"{PAGE}_numbers")
    with st.expander(line, expanded=newest, key=_key(number, "card")):
        st.caption(f"{transform.why} {found.why}")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            for label, by, what in (("↑", -1, "earlier"), ("↓", 1, "later")):
                st.button(
                    label, key=_key(number, what), type="tertiary", on_click=_move,
                    args=(kind, place, by), disabled=not 0 <= place + by < count,
                    help=f"Apply {transform.title.lower()} {what}",
                )  # fmt: skip
            st.button("✕", key=_key(number, "remove"), type="tertiary", on_click=_remove,
                      args=(kind, place), help=f"Remove {transform.title.lower()}")  # fmt: skip
        ranges = {one.name: _range(number, one) for one in transform.parameters}
        st.session_state.setdefault(_key(number, "p"), 100)
        chance = st.slider(
            "How often", 0, 100, step=5, format="%d %%", key=_key(number, "p"),
            persist_state="session",
            help="Probability with which a draw applies this transform at all.",
        )  # fmt: skip
    return Planned(name, ranges, chance / 100)


def _range(number: int, parameter: ParameterSpec) -> tuple[float, float]:
    whole = parameter.step >= 1
    convert = int if whole else float
    unit = parameter.unit.replace("%", "%%")
    # A default beside a value set from a link would make Streamlit warn.
    st.session_state.setdefault(_key(number, parameter.name), _shown(parameter, parameter.usual))
    # Its value comes from the session state, and is a pair: no overload of `slider` says so.
    pair: Any = st.slider(
        f"{parameter.label} ({parameter.unit})" if parameter.unit else parameter.label,
        convert(parameter.low),
        convert(parameter.high),
        step=convert(parameter.step),
        format=f"{'%d' if whole else '%.2f' if parameter.step < 0.1 else '%.1f'} {unit}".strip(),
        key=_key(number, parameter.name),
        persist_state="session",
    )
    low, high = pair
    return float(low), float(high)


def _shown(parameter: ParameterSpec, pair: tuple[float, float]) -> tuple[float, float]:
    """A range as the slider takes it: whole numbers where its step is one."""
    if parameter.step >= 1:
        return round(pair[0]), round(pair[1])
    return float(pair[0]), float(pair[1])
