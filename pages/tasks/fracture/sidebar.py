"""The fracture page's sidebar: phantom, truth files and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.detections import Detections
from core.errors import ImagingError
from core.files.box_labels import Drawn, read_drawn
from core.fracture.matching import above
from core.glossary import GLOSSARY
from core.phantoms.limb.fractures import FRACTURES
from core.phantoms.limb.phantom import KINDS, LimbPhantom, limb_phantom, random_limb
from models.cards import ModelCard
from models.fracture.settings import detector_settings
from pages.shared.address import KEPT
from pages.shared.inputs import Case, Display, display
from pages.shared.model_choice import choose

SOUND = "none"
FIRST = LimbPhantom(seed=5, kind="forearm", fracture="oblique", hung=True)


@dataclass(frozen=True)
class Settings:
    """The page's parameters; all but the models act on results only."""

    detector: ModelCard
    classifier: ModelCard
    threshold: float
    iou: float
    boxes: bool
    side_by_side: bool
    display: Display

    def shown(self, candidates: Detections) -> Detections:
        """The boxes whose shown score reaches the threshold, after suppression."""
        return above(candidates, self.threshold).suppressed(self.iou)


@st.cache_data(max_entries=64, show_spinner=False)
def made(parameters: LimbPhantom) -> Case:
    """A phantom as a case with its true boxes."""
    image, boxes = limb_phantom(parameters)
    broken = f"{parameters.fracture} fracture" if parameters.fracture else "no fracture"
    words = (
        f"Simulated film {parameters.seed}: {parameters.kind}, {broken}, bone density "
        f"{parameters.bone_density:.2f}, joint degeneration {parameters.joint_degeneration:.2f}"
    )
    return Case(image, {"boxes_xyxy": boxes}, "Phantom", words)


def phantom(key: str) -> Case:
    """The phantom's own widgets, and the case they make."""
    return made(phantom_parameters(key))


def phantom_parameters(key: str) -> LimbPhantom:
    """What the sidebar says of the phantom."""
    left, right = st.columns(2)
    left.selectbox("Limb", KINDS, KINDS.index(FIRST.kind), key=f"{key}_kind", **KEPT)
    kinds = (SOUND, *FRACTURES)
    right.selectbox(
        "Fracture", kinds, kinds.index(FIRST.fracture or SOUND), key=f"{key}_broken", **KEPT
    )
    st.slider(
        "Bone density",
        0.2,
        1.2,
        FIRST.bone_density,
        0.05,
        key=f"{key}_density",
        help=f"{GLOSSARY['bone density']} 1 is normal, 0.2 severe osteoporosis.",
        **KEPT,
    )
    st.slider(
        "Joint degeneration",
        0.0,
        1.0,
        FIRST.joint_degeneration,
        0.05,
        key=f"{key}_degeneration",
        help=f"{GLOSSARY['joint degeneration']} 0 is a sound joint.",
        **KEPT,
    )
    st.number_input(
        "Phantom number",
        0,
        99_999,
        FIRST.seed,
        key=f"{key}_seed",
        help="Draws anatomy, place of the fracture, exposure and noise. The same number gives "
        "the same film.",
        **KEPT,
    )
    return current_phantom(key)


def current_phantom(key: str = "fracture") -> LimbPhantom:
    """The phantom that the sidebar describes, also while another source is chosen."""
    state = st.session_state
    broken = state.get(f"{key}_broken", FIRST.fracture)
    return LimbPhantom(
        seed=int(state.get(f"{key}_seed", FIRST.seed)),
        kind=state.get(f"{key}_kind", FIRST.kind),
        fracture=None if broken == SOUND else broken,
        bone_density=state.get(f"{key}_density", FIRST.bone_density),
        joint_degeneration=state.get(f"{key}_degeneration", FIRST.joint_degeneration),
        hung=True,
    )


def teaching_phantom(seed: int) -> LimbPhantom:
    """A phantom that the sidebar can show, from sound to hard: every other one is broken."""
    drawn = random_limb(seed, fractured=seed % 2 == 0)
    density = (1.0, 0.7, 0.45, 0.3)[(seed // 2) % 4]
    return LimbPhantom(
        seed=seed,
        kind=drawn.kind,
        fracture=drawn.fracture,
        bone_density=density,
        joint_degeneration=round(drawn.joint_degeneration * 20) / 20,
        hung=True,
    )


def open_phantom(parameters: LimbPhantom, key: str = "fracture") -> None:
    """Set the sidebar to a phantom and the page to one radiograph; a button's callback."""
    st.session_state[f"{key}_mode"] = "One radiograph"
    st.session_state[f"{key}_source"] = "Phantom"
    st.session_state[f"{key}_kind"] = parameters.kind
    st.session_state[f"{key}_broken"] = parameters.fracture or SOUND
    st.session_state[f"{key}_density"] = parameters.bone_density
    st.session_state[f"{key}_degeneration"] = parameters.joint_degeneration
    st.session_state[f"{key}_seed"] = parameters.seed


def truth_files(key: str = "fracture") -> Sequence[tuple[str, bytes]]:
    """Label files that the user adds for uploaded radiographs, as (name, content)."""
    files = st.sidebar.file_uploader(
        "Ground-truth boxes or outlines (optional)",
        accept_multiple_files=True,
        key=f"{key}_truth",
        help="YOLO (.txt, named like the radiograph), COCO or VGG Image Annotator (.json), or "
        "Pascal VOC (.xml). "
        f"{GLOSSARY['truth']}",
    )
    return [(file.name, file.getvalue()) for file in files]


def with_truth(case: Case, files: Sequence[tuple[str, bytes]], name: str) -> Case:
    """An uploaded case with what the label file that belongs to it draws, if one does.

    A label file that cannot be read is said in a sentence, and the case stays as it was.
    """
    drawn = labelled(files, name, case.image.shape)
    if drawn is None:
        return case
    return replace(case, truth={"boxes_xyxy": drawn.boxes_xyxy, "polygons": drawn.polygons})


def labelled(files: Sequence[tuple[str, bytes]], name: str, shape: tuple[int, int]) -> Drawn | None:
    """What the label files draw on an image, or None."""
    for label_name, source in files:
        try:
            drawn = read_drawn(source, label_name, image_name=name, shape=shape)
        except ImagingError as err:
            st.error(str(err), icon=":material/error:")
            continue
        if drawn is not None:
            return drawn
    return None


def settings(key: str = "fracture", *, many: bool = False) -> Settings:
    """The parameters in the sidebar, below the source; only those that act on many films."""
    with st.sidebar:
        st.divider()
        detects = GLOSSARY["detector"]
        card = choose("Detector", "fracture", "detector", f"{key}_detector", ("detector",), detects)
        first = ("classifier",)
        second = choose(
            "Second opinion by", "fracture", "classifier", f"{key}_classifier", first, adding=True
        )
        threshold = st.slider(
            "Confidence threshold",
            0.01,
            0.99,
            card.operating_points["fracture"],
            0.01,
            key=f"{key}_threshold_{card.name}",
            help=GLOSSARY["confidence"],
            **KEPT,
        )
        iou = st.slider(
            "Overlap allowed (IoU)",
            0.0,
            0.95,
            detector_settings(card).iou,
            0.05,
            key=f"{key}_iou_{card.name}",
            help=GLOSSARY["IoU"],
            **KEPT,
        )
        if many:
            return Settings(card, second, threshold, iou, True, False, display(key))
        boxes = st.toggle(
            "Show boxes",
            True,
            key=f"{key}_boxes_on",
            **KEPT,
        )
        side_by_side = st.toggle(
            "Original beside it",
            True,
            key=f"{key}_side_by_side",
            help="Drag over a film to zoom in, double-click to see all of it again; both panels "
            "move together. Point at a box for its score and size.",
            **KEPT,
        )
        return Settings(card, second, threshold, iou, boxes, side_by_side, display(key))
