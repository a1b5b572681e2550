"""How people tell a bone age: the two methods that the models imitate, in plain words."""

from __future__ import annotations

import streamlit as st

from pages.shared import views

GREULICH_PYLE = """
#### Greulich and Pyle: compare with an atlas
An atlas holds one typical left hand for every age, for girls and for boys. The reader leafs
through it until a plate looks like the film, checks bone by bone which of the neighbouring plates
fits better, and names the age that stands there, or one between two plates.

- Quick: a practised reader needs a few minutes.
- What is looked at changes with age: **carpal bones** appearing in small children, **epiphyses**
  growing as wide as their shafts in school age, **growth plates** closing in the teens, first at
  the fingertips and last at radius and ulna.
- Readers differ: for one film their standard deviation was about 0.58 years in one study.

The networks here learned from such readings, so they imitate this method: the whole hand at
once, and an age without a reason.
"""
TANNER_WHITEHOUSE = """
#### Tanner and Whitehouse: score bone by bone
Chosen bones of hand and wrist (radius, ulna, and bones of the first, third and fifth finger; in
other versions the carpals, too) are each given a **stage** by a written description. Each stage
has points that depend on the sex; the sum is a maturity score, and a table turns it into an age.

- Slower, but every bone has its say, and two readers can find out where they differ.
- The landmark pipeline under “Steps” imitates its first half: it cuts out the regions (wrist,
  upper joints, middle finger, thumb) so that each could be judged by itself.
"""
SOURCES = (
    "W. W. Greulich, S. I. Pyle: Radiographic Atlas of Skeletal Development of the Hand and "
    "Wrist, 2nd edition, Stanford 1959. J. M. Tanner et al.: Assessment of Skeletal Maturity and "
    "Prediction of Adult Height (TW3 Method), 3rd edition, Saunders 2001. Order in which growth "
    "plates close: V. Gilsanz, O. Ratib: Hand Bone Age, 2nd edition, Springer 2012. Variation of "
    "readers: quoted in Scientific Reports 2022;12:6388, doi 10.1038/s41598-022-10292-y."
)


def show() -> None:
    """Both methods side by side."""
    left, right = views.pair("methods")
    left.markdown(GREULICH_PYLE)
    right.markdown(TANNER_WHITEHOUSE)
    st.caption(SOURCES)
