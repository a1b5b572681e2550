"""The engine and its files: the same answer from both sides, nothing opened before its hash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import WeightsError
from models import onnx_file, onnx_runtime
from models.cards import ModelCard


def small_network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 16),
    )
    network[1].running_mean.normal_()
    network[1].running_var.uniform_(0.5, 2)
    return network.eval()


def exported(path: Path, bits: int) -> tuple[torch.nn.Module, str]:
    network = small_network()
    sha256 = onnx_file.export_torch(
        network,
        [torch.zeros(1, 1, 12, 20)],
        path,
        inputs=["film"],
        outputs=["logits"],
        free_axes={"film": {0: "N", 2: "height", 3: "width"}, "logits": {0: "N"}},
        bits=bits,
    )
    return network, sha256


def card_of(file: str, sha256: str) -> ModelCard:
    return ModelCard(
        "a", "A", "fracture", "detector", "", file, sha256, "", "", "", "", (1, 12, 20), ("x",)
    )


@pytest.mark.parametrize("bits", [8, 16])
def test_file_answers_as_the_network_that_it_fills(
    tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "LEAST_EIGHT", 0)  # its tensors are small
    network, sha256 = exported(tmp_path / "a.onnx", bits)
    filled = small_network()
    for parameter in filled.parameters():
        parameter.data.zero_()
    tensors = onnx_file.initialisers(tmp_path / "a.onnx")
    state = {
        name: torch.from_numpy(tensors[name]) for name in filled.state_dict() if name in tensors
    }
    filled.load_state_dict(state, strict=False)
    assert {name for name, _ in filled.named_parameters()} <= set(state)
    engine = onnx_runtime.open_network(card_of("a.onnx", sha256), tmp_path)
    films = np.random.default_rng(1).random((3, 1, 15, 21), np.float32)
    (found,) = engine(films)
    with torch.inference_mode():
        np.testing.assert_allclose(found, filled(torch.from_numpy(films)), atol=1e-5)
        original = network(torch.from_numpy(films)).numpy()
    np.testing.assert_allclose(found, original, atol={16: 2e-3, 8: 2e-2}[bits])
    assert np.abs(original).max() > 0.1


def test_stored_tensors_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "LEAST_EIGHT", 0)  # its tensors are small
    import onnx

    exported(tmp_path / "a.onnx", 8)
    kinds = {t.name: t.data_type for t in onnx.load(str(tmp_path / "a.onnx")).graph.initializer}
    assert kinds["5.weight.stored"] == onnx.TensorProto.INT8
    assert kinds["5.weight.scale"] == onnx.TensorProto.FLOAT


def test_a_changed_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    _, sha256 = exported(tmp_path / "a.onnx", 16)
    with (tmp_path / "a.onnx").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(WeightsError, match="not the file"):
        onnx_runtime.open_network(card_of("a.onnx", sha256), tmp_path)


def test_what_is_no_network_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"a\.onnx holds no network"):
        onnx_runtime.open_file(tmp_path / "a.onnx")


def test_a_missing_array_is_a_programming_fault(tmp_path: Path) -> None:
    exported(tmp_path / "a.onnx", 16)
    with pytest.raises(ValueError, match="zip"):
        onnx_runtime.open_file(tmp_path / "a.onnx")()
