"""Label files of the VGG Image Annotator (VIA; Dutta and Zisserman, ACM Multimedia 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

RING = 24
"""Corners of the polygon that stands for a circle or an ellipse."""


def via_images(content: Any) -> list[Mapping[str, Any]] | None:
    """The images of a project or an export of annotations; None where it is another JSON."""
    images = content.get("_via_img_metadata", content) if isinstance(content, dict) else None
    if not isinstance(images, dict) or not images:
        return None
    found = list(images.values())
    if all(isinstance(one, dict) and {"filename", "regions"} <= set(one) for one in found):
        return found
    return None


def via_outlines(image: Mapping[str, Any]) -> list[NDArray[np.float64]]:
    """Corners (K, 2) in pixels of every outline of an image; points alone outline nothing.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: If it is damaged.
    """
    regions = image["regions"]
    regions = regions.values() if isinstance(regions, dict) else regions
    shapes = [one["shape_attributes"] for one in regions]
    return [_corners(shape) for shape in shapes if shape.get("name") != "point"]


def _corners(shape: Mapping[str, Any]) -> NDArray[np.float64]:
    if shape["name"] == "rect":
        x, y, w, h = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
    if shape["name"] in ("circle", "ellipse"):
        rx = float(shape["r"] if shape["name"] == "circle" else shape["rx"])
        ry = rx if shape["name"] == "circle" else float(shape["ry"])
        turned = np.linspace(0, 2 * np.pi, RING, endpoint=False)
        tilt = float(shape.get("theta", 0.0))
        across, down = rx * np.cos(turned), ry * np.sin(turned)
        c, s = np.cos(tilt), np.sin(tilt)
        along = np.column_stack([across * c - down * s, across * s + down * c])
        return along + np.array([float(shape["cx"]), float(shape["cy"])])
    points = np.column_stack([shape["all_points_x"], shape["all_points_y"]]).astype(float)
    if len(points) < 2:
        raise ValueError("an outline of one point")
    return points
