"""Cost of our detection beside the bare runtime, and of three runtimes for one network.

`python -m tests.benchmarks.fracture`: run it on an idle machine.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from core.phantoms.limb.phantom import limb_phantom, random_limb
from core.stages import run_stages
from models.cards import load_card, verified_weights
from models.fracture.predict import Forward, detect, load_model, onnx_forward, torch_forward
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


def openvino_forward(path: Path) -> Forward:
    """The same file with OpenVINO, in float32 as the others (bfloat16 moves the boxes)."""
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(path),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"},
    )

    def forward(network_input: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = compiled(network_input)[0]
        return found[0, :, :4], found[0, :, 4]

    return forward


def runtimes(arch: str = "yolo26n") -> None:
    """Time and agreement of PyTorch, ONNX Runtime and OpenVINO on one network, 640×544 px."""
    import torch

    from models.fracture import network as networks
    from models.fracture.export import export

    torch.manual_seed(0)
    network = networks.build(arch).eval()
    view = np.random.default_rng(0).random((1, 1, 640, 544), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export(network, path)
        forwards = {
            "PyTorch": torch_forward(network),
            "ONNX Runtime": onnx_forward(path),
            "OpenVINO": openvino_forward(path),
        }
    expected, _ = forwards["PyTorch"](view)
    for name, forward in forwards.items():
        off = float(np.abs(forward(view)[0] - expected).max())
        print(f"{name}: {seconds(lambda f=forward: f(view)) * 1000:.1f} ms, boxes off {off:.3f} px")


if __name__ == "__main__":
    runtimes()
    print(f"ratio to the bare call: {ratio_to_bare_call():.3f} (bar 1.1)")
