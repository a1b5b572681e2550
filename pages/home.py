"""The first page: one card a task, with a picture and the model's headline figure."""

from pathlib import Path

import streamlit as st

from core.percent import percent
from models.cards import ModelCard, load_card
from models.headline import sentence as headline_of
from pages.shared import frame, sample_set, views

PICTURES = Path(__file__).parent / "shared" / "pictures"

TASKS = (
    (
        "fracture",
        "detector",
        "Fracture detection",
        "A detector draws boxes on limb radiographs, a classifier gives a second opinion, "
        "and you see where they disagree.",
        "Three simulated limb films with fractures, each framed by the detector’s boxes.",
    ),
    (
        "bone_age",
        "hand_age",
        "Bone age",
        "From a hand film and the sex to years and months: every step between, where the network "
        "looks, and how growth plates close.",
        "A simulated girl’s hand at four ages, with the age that the model gives each.",
    ),
    (
        "chest",
        "findings",
        "Chest",
        "Fourteen findings against their operating points, a cardiothoracic ratio that you can "
        "check with a ruler, and heat maps that are scored.",
        "Two simulated chest films, a small and a large heart, with the outlines and ratio found.",
    ),
    (
        "skull_strip",
        "unet",
        "Skull stripping",
        "From a raw T1 head to the brain alone: bias field, resampling, a 3D network and a "
        "viewer in three planes.",
        "A simulated T1 head in three planes with the outline of the brain mask.",
    ),
    (
        "practice",
        None,
        "Practice",
        "Read first, then see what the model and the truth say: fractures, bone ages, chest "
        "findings and brain masks, with your ROC curve beside the model’s.",
        "A simulated broken limb three times: to be read, with a reader’s box, and with the true "
        "box and the detector’s beside it.",
    ),
    (
        "augmentation",
        None,
        "Augmentation lab",
        "What each of 37 transforms, from rotation to bias field, does to an image, its labels "
        "and the answer of the models above.",
        "A simulated broken forearm rotated, bent, noisy and mirrored, its box carried along.",
    ),
)

# What a model's figure means to somebody who weighs it, by the metric's name.
MEANINGS = {
    "Recall at the shipped threshold": "Finds {share} of the fractures at its threshold",
    "MAE (months)": "Off by {value:.1f} months on average",
    "Mean AUROC, 128-px films": "Ranks a film with a finding above one without it in {share} "
    "of pairs",
    "Dice": "Its mask and a reference overlap by {share} (Dice)",
}


def in_words(card: ModelCard) -> str:
    """The first figure that has a meaning in words, and the headline on test and val."""
    known = [one for one in card.metrics if one.name in MEANINGS][:1]
    meant = [
        f"{MEANINGS[one.name].format(value=one.value, share=percent(one.value))}. " for one in known
    ]
    return "".join([*meant, headline_of(card)])


frame.require()
views.headline(
    "Lightbox",
    "For interns who demonstrate a model and students who study one, on an ordinary computer.",
)
st.markdown(
    "Look inside medical imaging models: watch every step between the film and the answer, "
    "turn each knob, and see when the answer breaks."
)
st.page_link(
    "pages/guide.py",
    label="Guide for interns, students and departments",
    icon=":material/menu_book:",
)
sample_set.offer()

columns = st.columns(2, gap="large")
for number, (task, model, title, words, alt) in enumerate(TASKS):
    with columns[number % 2].container(border=True):
        st.image(PICTURES / f"{task}.jpg", width="stretch", alt=alt)
        st.subheader(title, anchor=False)
        st.write(words)
        if model:
            st.caption(in_words(load_card(task, model)))
        st.page_link(
            f"pages/{task}.py", label=f"Open {title.lower()}", icon=":material/arrow_forward:"
        )

st.subheader("Your own models", anchor=False)
st.markdown(
    "Bring a detector, a classifier or a 3D segmenter that you trained (ONNX, PyTorch, Keras) and "
    "look inside it with everything above."
)
st.page_link("pages/your_models.py", label="Add a model", icon=":material/deployed_code:")

st.subheader("What Lightbox is not for", anchor=False)
st.markdown(
    "- Reading a patient’s images. The models are small, trained on a few hundred to a few "
    "thousand films, and wrong often enough to teach with.\n"
    "- Comparing products. Figures are from small test sets; each stands with its interval.\n"
    "- Keeping images. What you open stays on this computer, in this session; "
    "names and dates in DICOM files are never read."
)
