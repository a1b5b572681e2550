"""Reading 3D files: every format gives the same head, results go back on the file's own grid."""

from __future__ import annotations

import gzip
import itertools
import struct
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pytest

from core.errors import ImagingError, UnreadableImageError, UnsuitableInputError
from core.files import volume_formats as volume_files
from core.files.volume import nifti_bytes, orientation_of, read_mask, read_volume, to_input_grid
from core.images import Volume
from tests.files.volume_files import (
    dicom_series,
    enhanced_dicom,
    mgz,
    nifti,
    nrrd_file,
    oblique_affine,
    scan,
    zipped,
)

CODES = ["".join(c) for c in itertools.product("RL", "AP", "SI")]
ORDERS = ["RAS", "LPS", "PIR", "ASL", "SPL", "IRP"]


def at_mm(volume: Volume, mm: np.ndarray) -> float:
    """Value of the voxel nearest to a point in patient space."""
    ijk = np.linalg.inv(volume.affine) @ [*mm, 1.0]
    return float(volume.voxels[tuple(np.round(ijk[:3]).astype(int))])


def dicom(array: np.ndarray, affine: np.ndarray) -> list[tuple[str, bytes]]:
    return [(f"{n}.dcm", one) for n, one in enumerate(dicom_series(array, affine))]


FORMATS: dict[str, Callable[[np.ndarray, np.ndarray], list[tuple[str, bytes]]]] = {
    "nii": lambda a, m: [("a.nii", nifti(a, m, compress=False))],
    "nii.gz": lambda a, m: [("a.nii.gz", nifti(a, m))],
    "mgz": lambda a, m: [("a.mgz", mgz(a, m))],
    "nrrd gzip": lambda a, m: [("a.nrrd", nrrd_file(a, m))],
    "nrrd raw": lambda a, m: [("a.nrrd", nrrd_file(a, m, "raw"))],
    "dicom": dicom,
    "enhanced dicom": lambda a, m: [("a.dcm", enhanced_dicom(a, m))],
    "dicom zip": lambda a, m: [("a.zip", zipped([("DICOMDIR", b"x"), *dicom(a, m)]))],
    "nii zip": lambda a, m: [("a.zip", zipped([("x/a.nii.gz", nifti(a, m)), ("a.txt", b"x")]))],
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_puts_every_voxel_at_its_place_in_the_patient(name: str) -> None:
    array, affine = scan(), oblique_affine("PIR")
    volume = read_volume(FORMATS[name](array, affine))
    assert nib.aff2axcodes(volume.affine) == ("R", "A", "S")
    assert volume.voxels.dtype == np.float32
    for ijk in [(0, 0, 0), (11, 2, 3), (4, 14, 9), (7, 7, 1)]:
        mm = (affine @ [*ijk, 1])[:3]
        assert at_mm(volume, mm) == array[ijk]


@pytest.mark.parametrize("codes", ORDERS)
@pytest.mark.parametrize("name", ["nii.gz", "nrrd gzip", "dicom"])
def test_results_return_on_the_grid_and_affine_of_the_file(name: str, codes: str) -> None:
    array, affine = scan(), oblique_affine(codes)
    volume = read_volume(FORMATS[name](array, affine))
    assert volume.source is not None
    back = nib.Nifti1Image.from_bytes(gzip.decompress(nifti_bytes(volume.voxels, volume)))
    written = np.asarray(back.dataobj)
    if name == "dicom":  # the slice order of a series is the reader's, not the file's
        assert sorted(written.shape) == sorted(array.shape)
        assert at_mm(read_volume([("b.nii", back.to_bytes())]), affine[:3, 3]) == array[0, 0, 0]
    else:
        assert np.array_equal(written, array)
        assert np.allclose(back.affine, affine, atol=1e-4)
        assert orientation_of(volume) == codes
    assert np.allclose(volume.source.affine, back.affine, atol=1e-4)


def test_flips_are_undone_exactly_for_all_eight_directions() -> None:
    array = scan()
    for codes in CODES:
        volume = read_volume([("a.nii", nifti(array, oblique_affine(codes, 0.0)))])
        assert np.array_equal(to_input_grid(volume.voxels, volume), array)


def test_slope_and_intercept_are_applied() -> None:
    array = scan().astype(np.int16)
    content = bytearray(nifti(array, oblique_affine(), compress=False))
    struct.pack_into("<ff", content, 112, 2.0, -5.0)
    volume = read_volume([("a.nii", bytes(content))])
    assert np.array_equal(to_input_grid(volume.voxels, volume), 2.0 * array - 5.0)


def test_big_endian_and_nifti_2_are_understood() -> None:
    array = scan().astype(np.int16)
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    big = nib.Nifti1Image(array, oblique_affine(), header).to_bytes()
    assert big[:4] == struct.pack(">i", 348)
    for content in (big, nib.Nifti2Image(array, oblique_affine()).to_bytes()):
        volume = read_volume([("a.nii", content)])
        assert np.array_equal(to_input_grid(volume.voxels, volume), array)
        assert at_mm(volume, oblique_affine()[:3, 3]) == array[0, 0, 0]


def test_4d_gives_the_chosen_volume() -> None:
    stack = np.stack([scan(seed=n) for n in range(4)], axis=3)
    for content in (nifti(stack, oblique_affine()), nifti(stack, oblique_affine(), compress=False)):
        for index in (0, 3):
            volume = read_volume([("a.nii.gz", content)], volume_index=index)
            assert np.array_equal(to_input_grid(volume.voxels, volume), stack[..., index])
            assert volume.source is not None and volume.source.volumes == 4
        with pytest.raises(UnsuitableInputError, match="number 5"):
            read_volume([("a.nii.gz", content)], volume_index=4)


def test_dicom_with_two_volumes_in_one_series() -> None:
    files = dicom_series(scan(seed=1), oblique_affine()) + dicom_series(
        scan(seed=2), oblique_affine(), tags={"InstanceNumber": 500}
    )
    named = [(str(n), one) for n, one in enumerate(files)]
    first, second = (read_volume(named, volume_index=n) for n in (0, 1))
    assert first.source is not None and first.source.volumes == 2
    assert np.array_equal(to_input_grid(first.voxels, first)[0, 0], scan(seed=1)[0, 0])
    assert np.array_equal(to_input_grid(second.voxels, second)[0, 0], scan(seed=2)[0, 0])


def test_no_patient_tag_is_kept() -> None:
    volume = read_volume(dicom(scan(), oblique_affine()))
    kept = repr((volume.title, volume.notes, volume.source))
    assert "Doe" not in kept and "12345" not in kept and "Jane" not in kept


def test_missing_orientation_is_said_and_spacing_comes_from_pixdim() -> None:
    image = nib.Nifti1Image(scan(), None)
    image.header.set_zooms((4.0, 5.0, 6.5))
    volume = read_volume([("a.nii", image.to_bytes())])
    assert volume.spacing_mm == pytest.approx((4.0, 5.0, 6.5))
    assert volume.source is not None and volume.source.assumed
    assert any("no orientation" in note for note in volume.notes)


def test_a_few_nans_become_zero_and_are_said() -> None:
    array = scan()
    array[2, 3, 4] = np.nan
    array[5, 5, 5] = np.inf
    volume = read_volume([("a.nii", nifti(array, oblique_affine()))])
    assert np.isfinite(volume.voxels).all()
    assert any("not numbers" in note for note in volume.notes)


def test_metres_are_converted() -> None:
    image = nib.Nifti1Image(scan(), oblique_affine() * np.array([[0.001]] * 3 + [[1.0]]))
    image.header.set_xyzt_units(1)
    assert read_volume([("a.nii", image.to_bytes())]).spacing_mm == pytest.approx((4, 5, 6.5))


def _bomb() -> bytes:
    header = nifti(np.zeros((2, 2, 2), np.uint8), np.eye(4), compress=False)[:352]
    return gzip.compress(header + b"\0" * 50_000_000, 9)


def _huge_header() -> bytes:
    content = bytearray(nifti(scan(), oblique_affine(), compress=False))
    struct.pack_into("<8h", content, 40, 3, 2000, 2000, 2000, 1, 1, 1, 1)
    return gzip.compress(bytes(content))


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
A = oblique_affine()
REFUSED: dict[str, tuple[Callable[[], list[tuple[str, bytes]]], str]] = {
    "nothing": (lambda: [], "No file"),
    "empty": (lambda: [("a.nii", b"")], "not a volume"),
    "text": (lambda: [("notes.txt", b"hello there, not a scan")], "not a volume"),
    "picture": (lambda: [("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 400)], "2D picture"),
    "flat": (lambda: [("a.nii", nifti(scan()[:, :, :1], A))], "flat image"),
    "2D": (lambda: [("a.nii", nifti(scan()[:, :, 0], A))], "flat image"),
    "few slices": (lambda: [("a.nii", nifti(scan()[:, :, :4], A))], "only 4 slices"),
    "rgb": (lambda: [("a.nii", nifti(np.zeros((12, 15, 10), RGB), A))], "RGB"),
    "complex": (lambda: [("a.nii", nifti(scan().astype(np.complex64), A))], "complex"),
    "vector": (
        lambda: [("a.nii", nifti(np.ones((12, 15, 10, 1, 3), np.float32), A))],
        "5 dimensions",
    ),
    "constant": (lambda: [("a.nii", nifti(np.full((12, 15, 10), 7.0), A))], "same value"),
    "zero": (lambda: [("a.nii", nifti(np.zeros((12, 15, 10), np.int16), A))], "same value"),
    "nan": (lambda: [("a.nii", nifti(np.full((12, 15, 10), np.nan), A))], "not numbers"),
    "labels": (lambda: [("a.nii", nifti((scan() > 200).astype(np.uint8), A))], "labels"),
    "many labels": (
        lambda: [
            (
                "a.nii",
                nifti(np.repeat(np.arange(1200, dtype=np.int16) // 30, 8).reshape(40, 15, 16), A),
            )
        ],
        "labels",
    ),
    "metre voxels": (lambda: [("a.nii", nifti(scan(), A * [[300]] * 4))], "header is wrong"),
    "tiny voxels": (
        lambda: [("a.nii", nifti(scan(), np.diag([0.01, 0.01, 0.01, 1])))],
        "header is wrong",
    ),
    "truncated gz": (lambda: [("a.nii.gz", nifti(scan(), A)[:-900])], "ends early"),
    "truncated nii": (lambda: [("a.nii", nifti(scan(), A, compress=False)[:-9])], "ends early"),
    "cut header": (lambda: [("a.nii", nifti(scan(), A, compress=False)[:300])], "ends early"),
    "bomb": (lambda: [("a.nii.gz", _bomb())], "flat|only 2 slices"),
    "too large": (lambda: [("a.nii.gz", _huge_header())], "8000 million"),
    "pair": (
        lambda: [("a.hdr", nifti(scan(), A, compress=False).replace(b"n+1\0", b"ni1\0"))],
        "pair",
    ),
    "two volumes": (lambda: [("a.nii", nifti(scan(), A)), ("b.nii", nifti(scan(), A))], "2 files"),
    "tilt": (
        lambda: [(str(n), f) for n, f in enumerate(dicom_series(scan(), A, shear_mm=1.5))],
        "tilted by 13",
    ),
    "tilt tag": (
        lambda: [
            (str(n), f)
            for n, f in enumerate(dicom_series(scan(), A, tags={"GantryDetectorTilt": "-18.0"}))
        ],
        "tilted by 18",
    ),
    "mixed series": (
        lambda: [("a", f) for f in dicom_series(scan(), A) + dicom_series(scan(), A, series="9")],
        "2 different series",
    ),
    "localiser": (
        lambda: [
            ("a", f) for f in dicom_series(scan(), A) + dicom_series(scan(), oblique_affine("ASR"))
        ],
        "different|pixel spacing",
    ),
    "missing slice": (
        lambda: [("a", f) for f in dicom_series(scan(), A, keep=[0, 1, 2, 3, 5, 6, 7, 8, 9])],
        "missing",
    ),
    "single slice": (lambda: [("a", f) for f in dicom_series(scan(), A, keep=[3])], "1 slices"),
    "colour dicom": (
        lambda: [("a", f) for f in dicom_series(scan(), A, tags={"SamplesPerPixel": 3})],
        "colour",
    ),
    "no position": (
        lambda: [("a", f) for f in dicom_series(scan(), A, tags={"ImagePositionPatient": None})],
        "where their slices lie",
    ),
    "short pixels": (
        lambda: [("a", f) for f in dicom_series(scan(), A, tags={"PixelData": b"\0\0"})],
        "cannot be decoded",
    ),
    "broken zip": (lambda: [("a.zip", zipped(dicom(scan(), A))[:-40])], "zip"),
    "empty zip": (lambda: [("a.zip", zipped([("__MACOSX/a", b"")]))], "no files"),
    "cut nrrd": (lambda: [("a.nrrd", nrrd_file(scan(), A, "raw")[:-5])], "ends early"),
    "ascii nrrd": (lambda: [("a.nrrd", nrrd_file(scan(), A, "ascii"))], "encoding"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_head_scan_is_refused_with_a_reason(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ImagingError, match=words) as caught:
        read_volume(make())
    sentence = str(caught.value)
    assert sentence.endswith((".", ")")) and "Traceback" not in sentence and len(sentence) < 400


def test_a_bomb_is_never_unpacked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A good header in front of endless zeros: only what the header promises is read."""
    import tracemalloc

    header = nifti(scan(), A, compress=False)
    content = gzip.compress(header + b"\0" * 80_000_000, 1)
    tracemalloc.start()
    read_volume([("a.nii.gz", content)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


def test_the_limit_counts_voxels_before_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_files, "MAX_VOXELS", 1000)
    with pytest.raises(UnsuitableInputError, match="12 × 15 × 10"):
        read_volume([("a.nii", nifti(scan(), A))])


def test_reference_mask_comes_onto_the_volume_from_any_orientation() -> None:
    array, affine = scan(), oblique_affine("LPS")
    volume = read_volume([("a.nii", nifti(array, affine))])
    inside = (array > 200).astype(np.uint8) * 3
    same = read_mask([("m.nii", nifti(inside, affine))], volume)
    assert np.array_equal(to_input_grid(same, volume), inside > 0)
    turned = nib.as_closest_canonical(nib.Nifti1Image(inside, affine))
    other = read_mask([("m.nii", nifti(np.asarray(turned.dataobj), turned.affine))], volume)
    assert np.array_equal(other, same)


def test_reference_mask_elsewhere_or_empty_is_refused() -> None:
    volume = read_volume([("a.nii", nifti(scan(), A))])
    with pytest.raises(UnsuitableInputError, match="empty"):
        read_mask([("m.nii", nifti(np.zeros((12, 15, 10), np.uint8), A))], volume)
    far = A.copy()
    far[:3, 3] += 5000
    with pytest.raises(UnsuitableInputError, match="overlap"):
        read_mask([("m.nii", nifti((scan() > 200).astype(np.uint8), far))], volume)


def test_digest_depends_on_content_and_on_the_chosen_volume() -> None:
    stack = nifti(np.stack([scan(), scan(seed=1)], axis=3), A)
    digests = {
        read_volume([("a.nii", stack)], volume_index=0).digest,
        read_volume([("a.nii", stack)], volume_index=1).digest,
        read_volume([("a.nii", nifti(scan(), A))]).digest,
    }
    assert len(digests) == 3
    assert read_volume([("other name.nii", stack)]).digest in digests


def _mutated(content: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        choice = rng.integers(4)
        at = int(rng.integers(0, min(len(found), 700) if rng.random() < 0.7 else len(found)))
        if choice == 0:
            found[at] = int(rng.integers(256))
        elif choice == 1:
            found[at : at + 4] = rng.bytes(4)
        elif choice == 2:
            del found[at : at + int(rng.integers(1, 60))]
        else:
            found[at:at] = rng.bytes(int(rng.integers(1, 20)))
        if len(found) < 4:
            break
    return bytes(found)


@pytest.mark.parametrize(
    "name", ["nii", "nii.gz", "mgz", "nrrd gzip", "nrrd raw", "dicom", "dicom zip"]
)
def test_nothing_but_a_sentence_escapes_a_damaged_file(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_files, "MAX_VOXELS", 2_000_000)
    files = FORMATS[name](scan(), oblique_affine("LPS"))
    rng = np.random.default_rng(len(name))
    read = 0
    for _ in range(60):
        damaged = list(files)
        which = int(rng.integers(len(damaged)))
        damaged[which] = (damaged[which][0], _mutated(damaged[which][1], rng))
        try:
            volume = read_volume(damaged)
        except ImagingError:
            continue
        assert np.isfinite(volume.voxels).all()
        read += 1
    assert read < 60


def test_a_wrong_type_says_so() -> None:
    with pytest.raises(UnreadableImageError, match="NIfTI"):
        read_volume([("head.pdf", b"%PDF-1.7" + b"x" * 500)])
