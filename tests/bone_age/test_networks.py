"""What the networks are made of."""

from __future__ import annotations


def test_published_small_network_flattens_its_last_map() -> None:
    from models.bone_age import network

    model = network.NETWORKS["flatten_cnn"]((32, 48), filters=2)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == kinds.count("MaxPooling2D") == 4
    assert kinds.count("Dense") == 3 and "Flatten" in kinds
    assert model.get_layer("dense_0").kernel.shape[0] == 2 * 3 * 16 + 2  # and the sex
