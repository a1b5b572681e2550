"""From thicknesses to a film: attenuation, scatter, blur, quantum noise and the read-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.phantoms.limb.anatomy import SoftTissueTube
from core.phantoms.xray.bone import FloatArray
from core.phantoms.xray.thickness_map import ThicknessMap

# Linear attenuation at about 50 keV, per mm (NIST XCOM; marrow taken as adipose tissue).
MUSCLE, FAT, CORTICAL, TRABECULAR = 0.0230, 0.0190, 0.0850, 0.0350
MARROW = FAT


@dataclass(frozen=True)
class Exposure:
    """How the film was taken and read.

    Attributes:
        background: Grey of unattenuated film, as the reader left it.
        white: Grey of bone under the limb's usual soft tissue.
        toe: Share of the soft tissue's exponent up to which the reader's curve stays dark.
        edge: Gain of local contrast.
        scatter: Scattered radiation over the primary that it comes from, behind the grid.
        quanta: Detected quanta per mm² behind the limb, as automatic exposure control sees to.
        focus_mm: Blur of focal spot and screen (standard deviation).
    """

    background: float
    white: float
    toe: float
    edge: float
    scatter: float
    quanta: float
    focus_mm: float


def soft_tissue_thickness(
    thickness: ThicknessMap, soft_tissue: tuple[SoftTissueTube, ...], spacing_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Thickness of muscle (with skin) and of fat behind each pixel, in mm."""
    import cv2

    whole = np.zeros_like(thickness.x_mm)
    lean = np.zeros_like(thickness.x_mm)
    skin = np.zeros_like(thickness.x_mm)
    for tube in soft_tissue:
        points = np.asarray(tube.axis_mm)
        window = thickness.window(points, max(tube.radii_mm) + 2)
        x, y = thickness.x_mm[window], thickness.y_mm[window]
        if x.size == 0:
            continue
        across, radius = _along(x, y, tube)
        for target, shrink in ((whole, 0.0), (skin, 1.6), (lean, 1.6 + tube.fat_mm)):
            r = np.maximum(radius - shrink, 0.5)
            chord = 2 * tube.depth * np.sqrt(np.clip(r * r - across * across, 0, None))
            np.maximum(target[window], chord, out=target[window])
    smooth = 1.2 / spacing_mm
    whole, lean, skin = (cv2.GaussianBlur(a, (0, 0), smooth) for a in (whole, lean, skin))
    lean, skin = np.minimum(lean, whole), np.minimum(skin, whole)
    skin = np.maximum(skin, lean)
    return lean + (whole - skin), skin - lean


def _along(x: FloatArray, y: FloatArray, tube: SoftTissueTube) -> tuple[FloatArray, FloatArray]:
    """Distance from the tube's axis and its radius, at the nearest point of the axis."""
    nearest = np.full_like(x, np.inf)
    radius = np.zeros_like(x)
    points = np.asarray(tube.axis_mm, np.float32)
    for (ax, ay), (bx, by), ra, rb in zip(
        points[:-1], points[1:], tube.radii_mm[:-1], tube.radii_mm[1:], strict=True
    ):
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.hypot(x - ax - t * dx, y - ay - t * dy)
        closer = distance < nearest
        np.copyto(nearest, distance, where=closer)
        eased = t * t * (3 - 2 * t)
        np.copyto(radius, ra + (rb - ra) * eased, where=closer)
    return nearest, radius


def attenuation(
    thickness: ThicknessMap, muscle: FloatArray, fat: FloatArray, bone_density: float
) -> FloatArray:
    """The Beer-Lambert exponent: attenuation summed along each ray."""
    soft = np.float32(MUSCLE) * muscle + np.float32(FAT) * fat
    cortical = np.float32(bone_density * (CORTICAL - MUSCLE))
    trabecular = np.float32(bone_density**1.3 * (TRABECULAR - MUSCLE))
    marrow = np.float32(MARROW - MUSCLE)
    return soft + np.maximum(
        cortical * thickness.cortical
        + trabecular * thickness.trabecular
        + marrow * thickness.marrow,
        -soft,
    )


def expose(
    exponent: FloatArray,
    exposure: Exposure,
    soft: float,
    spacing_mm: float,
    noise: float,
    rng: np.random.Generator,
) -> FloatArray:
    """The film's grey for an attenuation: scatter, blur, noise, characteristic curve.

    Args:
        exponent: The Beer-Lambert exponent behind each pixel.
        exposure: How the film was taken and read.
        soft: Exponent of the limb's soft tissue alone, to which the reader adapts.
        spacing_mm: Pixel spacing.
        noise: Factor on the quantum noise.
        rng: Draws the noise.
    """
    import cv2

    primary = np.exp(-exponent)
    height, width = primary.shape
    lost = cv2.resize(
        primary * (1 - primary), (width // 8 + 1, height // 8 + 1), interpolation=cv2.INTER_AREA
    )
    haze = cv2.GaussianBlur(lost, (0, 0), 22 / (8 * spacing_mm), borderType=cv2.BORDER_REPLICATE)
    haze = cv2.resize(haze, (width, height), interpolation=cv2.INTER_LINEAR)
    light = cv2.GaussianBlur(primary, (0, 0), max(exposure.focus_mm / spacing_mm, 0.3))
    light = light + np.float32(exposure.scatter) * haze
    counted = np.float32(exposure.quanta * spacing_mm**2 * np.exp(soft))
    grain = rng.standard_normal(light.shape, dtype=np.float32)
    light = np.maximum(light + np.float32(noise) * grain * np.sqrt(light / counted), 1e-4)
    seen = -np.log(light)
    # Readers of storage phosphor plates lift local contrast over some millimetres.
    small = cv2.resize(seen, (width // 4 + 1, height // 4 + 1), interpolation=cv2.INTER_AREA)
    slow = cv2.GaussianBlur(small, (0, 0), 9 / (4 * spacing_mm), borderType=cv2.BORDER_REPLICATE)
    seen = seen + np.float32(exposure.edge) * (seen - cv2.resize(slow, (width, height)))
    toe, full = np.float32(exposure.toe * soft), np.float32(soft + 0.65)
    seen = np.maximum(seen, 0)
    read = seen * seen / (seen + toe) * ((full + toe) / (full * full))
    return np.float32(exposure.background) + np.float32(
        exposure.white - exposure.background
    ) * read.astype(np.float32)


def unexposed(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Share (H, W) of each pixel that the collimator kept unexposed: now and then an edge."""
    veil = np.zeros(shape, np.float32)
    for side in range(4):
        if rng.random() > 0.22:
            continue
        turned = np.rot90(veil, side)  # a view: what is written to it stays
        height, width = turned.shape
        depth = rng.uniform(0.01, 0.07) * height
        waves = 2 * np.pi * np.linspace(0, 1, width) * rng.uniform(0.5, 9, (4, 1))
        ripple = np.sin(waves + rng.uniform(0, 7, (4, 1))) * rng.uniform(0, 1.0, (4, 1))
        edge = depth + ripple.sum(axis=0) + np.linspace(0, rng.normal(0, 4), width)
        rows = np.arange(height)[:, None]
        white = np.clip((edge - rows) / rng.uniform(1, 4) + 0.5, 0, 1)
        np.maximum(turned, white.astype(np.float32), out=turned)
    return veil


def mount(rng: np.random.Generator, pixels: FloatArray, veil: FloatArray) -> FloatArray:
    """Streaks of the reader, and white where the plate was not exposed."""
    import cv2

    width = pixels.shape[1]
    streaks = rng.standard_normal((1, width // 12 + 3)).astype(np.float32)
    streaks = cv2.resize(streaks, (width, 1), interpolation=cv2.INTER_CUBIC)
    lines = rng.standard_normal((1, width)).astype(np.float32)
    pixels = pixels + np.float32(0.004) * streaks + np.float32(0.0015) * lines
    pixels = pixels + veil * (np.float32(rng.uniform(0.75, 1.0)) - pixels)
    return np.clip(pixels, 0, 1).astype(np.float32)


def with_letter(
    rng: np.random.Generator,
    pixels: FloatArray,
    letter: str,
    spacing_mm: float,
    covered: FloatArray,
) -> FloatArray:
    """A lead letter of about 12 mm in the corner where it hides least of what is `covered`."""
    import cv2

    height, width = pixels.shape
    places = [
        (int(width * x), int(height * y))
        for x in (rng.uniform(0.06, 0.14), rng.uniform(0.82, 0.88))
        for y in (rng.uniform(0.1, 0.16), rng.uniform(0.88, 0.94))
    ]
    size = rng.uniform(9, 13) / spacing_mm
    reach = int(size)

    def hidden(place: tuple[int, int]) -> float:
        x, y = place
        return float(covered[max(y - reach, 0) : y, x : x + reach].sum())

    best = min(places, key=hidden)
    lead = np.zeros(pixels.shape, np.uint8)
    scale, thick = size / 21, max(1, round(1.8 / spacing_mm))  # the font's capital has 21 px
    cv2.putText(lead, letter, best, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    white = np.float32(rng.uniform(0.8, 0.98))
    return pixels + lead / np.float32(255) * np.maximum(white - pixels, 0)
