"""Write the ONNX file of a trained network: `python -m models.bone_age.export --help`."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.bone_age import network


def main() -> None:
    """Write the file that ships from the weights that a training left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=sorted(network.NETWORKS), required=True)
    parser.add_argument("--shape", type=int, nargs=2, required=True, help="height and width")
    parser.add_argument("--weights", type=Path, required=True, help="an .npz file of training")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=16)
    options = parser.parse_args()
    model = network.NETWORKS[options.network](tuple(options.shape))
    network.load_weights(model, options.weights)
    print("sha256", network.export(model, options.out, options.bits))


if __name__ == "__main__":
    main()
