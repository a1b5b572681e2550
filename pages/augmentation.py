"""Augmentation lab: what a transform does to an image, to its labels and to a model's answer."""

import streamlit as st

from core.augment import checks
from core.augment.pipeline import draw
from pages.shared import frame, views
from pages.tasks.augmentation import code, composer, effect
from pages.tasks.augmentation import views as augmentation_views
from pages.tasks.augmentation.modalities import MODALITIES

MORE = (
    "Draws",
    "Histograms",
    "Effect on the model",
    "Sweep",
    "All transforms",
    "Experiments",
    "Code and link",
)

frame.require()
views.headline(
    "Augmentation lab",
    "Turn, bend, blur or disturb an image and watch what becomes of the picture, of its labels and "
    "of the model’s answer: which augmentation helps, which harms, which is anatomically wrong.",
)
composer.open_link()
st.session_state.setdefault("augmentation_modality", "limb")
name = st.segmented_control(
    "Kind of image",
    list(MODALITIES),
    format_func=lambda one: MODALITIES[one].title,
    required=True,
    key="augmentation_modality",
    label_visibility="collapsed",
    persist_state="session",
)
modality = MODALITIES[name or "limb"]
subject = modality.subject()
pipeline, seed = composer.compose(modality)
composer.keep_link(modality, pipeline, seed)

if subject is not None:
    one = draw(pipeline, modality.catalogue, seed)
    if subject.affine is not None:
        augmentation_views.choose_slice(subject)
    with st.spinner("Applying the pipeline …", show_time=False):
        moved = views.show_error(augmentation_views.after, subject, one)
    if moved is None:
        st.stop()
    found = checks.flags(subject.modality, subject.pixels, subject.labels, moved)
    augmentation_views.verdict(found)
    augmentation_views.viewer(subject, moved, seed)
    views.end_of_presentation()
    left, right = views.pair("lab", [3, 2])
    with left:
        augmentation_views.drawn_parts(modality, one)
    with right:
        augmentation_views.label_state(subject, moved, found)
    more = views.segments("More about this pipeline", MORE, "augmentation_more")
    if more == "Draws":
        augmentation_views.grid(modality, subject, pipeline, seed)
    elif more == "Histograms":
        augmentation_views.histograms(subject, moved)
    elif more == "Effect on the model":
        views.show_error(effect.effect, modality, subject, pipeline, seed)
    elif more == "Sweep":
        views.show_error(effect.sweep, modality, subject, pipeline, seed)
    elif more == "All transforms":
        augmentation_views.gallery(modality, subject)
    elif more == "Experiments":
        augmentation_views.experiments(modality, pipeline)
    else:
        code.show(modality, subject, pipeline, one, moved)
