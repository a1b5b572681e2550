"""The pipeline and the draw to take away: Python, JSON, a link; and a draw's JSON run again."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.augment import code, heads, pictures
from core.augment.labels import Moved
from core.augment.pipeline import Draw, Planned, to_text
from core.errors import UnsuitableInputError
from pages.shared import views
from pages.shared.views import Download
from pages.tasks.augmentation import views as lab
from pages.tasks.augmentation.modalities import Modality
from pages.tasks.augmentation.subjects import Subject

PAGE = "augmentation"


def show(
    modality: Modality, subject: Subject, pipeline: tuple[Planned, ...], one: Draw, moved: Moved
) -> None:
    """Code for a training, code and JSON for this draw, the link, and a JSON to run again."""
    training, exact = _python(modality, subject, pipeline, one)
    file_name = f"{modality.name}_{subject.digest[:8]}_original.npz"
    exact = code.loading(modality.kind, file_name) + exact
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**For a training**: draws anew for every image")
        st.code(training, language="python", wrap_lines=True, height=340)
    with right:
        st.markdown(f"**This draw ({one.seed})**: the same pixels again")
        st.code(exact, language="python", wrap_lines=True, height=340)
    drawn_name = f"{modality.name}_{subject.digest[:8]}_draw{one.seed}.npz"
    original = partial(code.saved, subject.pixels, subject.labels, subject.affine)
    drawn = partial(code.saved, moved.pixels, moved.labels, subject.affine)
    views.downloads(
        f"{PAGE}_code",
        [
            Download("Original with its labels (NPZ)", file_name, original),
            Download("Augmented with its labels (NPZ)", drawn_name, drawn),
        ],
    )
    st.caption(
        "The code on the right begins with the first file. Films are float32, 0 black to 1 white, "
        "bone bright; heads are in the scanner's own units. A hash in the JSON is the SHA-256 of "
        "the float32 values, row by row, followed by the shape as text."
    )
    text = code.to_json(one, modality.name, subject.pixels, moved.pixels)
    st.markdown(
        "**This draw as JSON**, with the hashes of the pixels before and after"
        + (": `albumentations.load` reads it, too" if modality.kind == "film" else "")
    )
    st.code(text, language="json", wrap_lines=True, height=220)
    st.markdown("**Link**: kind of image, pipeline and draw, never the image")
    address = (st.context.url or "/augmentation").split("?")[0]
    st.code(code.link(address, modality.name, pipeline, one.seed), language=None, wrap_lines=True)
    st.caption(f"The pipeline as text: `{to_text(pipeline) or 'empty'}`. The page's own address "
               "holds it, too.")  # fmt: skip
    _rerun(modality, subject)


def _python(
    modality: Modality, subject: Subject, pipeline: tuple[Planned, ...], one: Draw
) -> tuple[str, str]:
    if modality.kind == "film":
        shape = (subject.pixels.shape[0], subject.pixels.shape[1])
        return code.film_training(pipeline, shape), code.film_draw(one, shape)
    return code.head_training(pipeline), code.head_draw(one, heads.bright(subject.pixels))


def _rerun(modality: Modality, subject: Subject) -> None:
    """Run a pasted draw again and say whether its pixels are the same."""
    with st.expander("Run a JSON again", icon=":material/replay:"):
        text = st.text_area(
            "JSON of a draw", key=f"{PAGE}_{modality.kind}_json", height=120,
            placeholder="Paste what “This draw as JSON” gave.",
        )  # fmt: skip
        if not text.strip():
            return
        try:
            found, said = code.from_json(text, modality.catalogue)
        except UnsuitableInputError as err:
            st.error(str(err), icon=":material/error:")
            return
        moved = lab.after(subject, found)
        st.image(
            pictures.thumbnail(lab.picture(subject, moved, boxes=True)),
            width=420,
            output_format="JPEG",
            alt="The pasted draw carried out on the current image.",
        )
        if code.pixel_hash(subject.pixels) != said.get("pixels_before"):
            st.info(
                "The draw was made on another image; here it is on the current one.",
                icon=":material/image:",
            )
        elif code.pixel_hash(moved.pixels) == said.get("pixels_after"):
            st.success("Identical pixels: the draw was repeated exactly.", icon=":material/check:")
        else:
            st.warning(
                f"The same image, but other pixels: the draw was made with {said.get('library')}.",
                icon=":material/difference:",
            )
