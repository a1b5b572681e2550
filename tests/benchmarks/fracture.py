"""Cost of our detection beside the bare runtime.

`python -m tests.benchmarks.fracture`: run it on an idle machine.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from core.phantoms.limb.phantom import limb_phantom, random_limb
from core.stages import run_stages
from models.cards import load_card, verified_weights
from models.fracture.predict import detect, load_model
from models.fracture.preprocess import input_stages
from models.fracture.settings import detector_settings
from tests.benchmarks.clock import seconds as least

seconds = partial(least, repeats=15)


def ratio_to_bare_call() -> float:
    """Our `detect` against ONNX Runtime alone on the same prepared views of the same image."""
    import onnxruntime

    card = load_card("fracture", "detector")
    model = load_model(card)
    image, _ = limb_phantom(random_limb(2, fractured=True))
    session = onnxruntime.InferenceSession(
        str(verified_weights(card)), providers=["CPUExecutionProvider"]
    )
    views = []
    for side in model.long_sides_px:
        view = run_stages(image.pixels, input_stages(side))[-1].image[None, None]
        views += [view, np.ascontiguousarray(view[..., ::-1])] if model.mirrored else [view]
    threshold, iou = card.operating_points["fracture"], detector_settings(card).iou
    ours = seconds(lambda: detect(model, image, threshold=threshold, iou=iou))
    bare = seconds(lambda: [session.run(None, {"radiograph": view}) for view in views])
    print(f"detect {ours * 1000:.1f} ms, bare calls for {len(views)} views {bare * 1000:.1f} ms")
    return ours / bare


if __name__ == "__main__":
    print(f"ratio to the bare call: {ratio_to_bare_call():.3f} (bar 1.1)")
