"""Small volume files for the tests: one scan, written in every format and orientation."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Sequence

import nibabel as nib
import nrrd
import numpy as np
from numpy.typing import NDArray

SHAPE = (12, 15, 10)


def scan(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> NDArray[np.float32]:
    """A noisy blob, brighter towards the first axis' end: no two axes are alike."""
    rng = np.random.default_rng(seed)
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape[:3]), indexing="ij")
    blob = np.exp(-3 * (i**2 + (j - 0.2) ** 2 + (k + 0.3) ** 2)) * (500 + 150 * i + 40 * k)
    return np.round(blob + rng.normal(60, 15, shape[:3]).clip(0)).astype(np.float32)


def oblique_affine(codes: str = "RAS", degrees: float = 12.0) -> NDArray[np.float64]:
    """Anisotropic, rotated, shifted; stored axes named by `codes`."""
    from scipy.spatial.transform import Rotation

    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("zx", [degrees, -degrees / 2], degrees=True).as_matrix()
    turn[:3, 3] = (-40.0, -55.0, 20.0)
    axes = nib.orientations.axcodes2ornt(tuple(codes))
    order = np.zeros((4, 4))
    order[3, 3] = 1
    for stored, (patient, sign) in enumerate(axes):
        order[int(patient), stored] = sign * (4.0, 5.0, 6.5)[stored]
    return turn @ order


def nifti(array: np.ndarray, affine: NDArray[np.float64] | None, *, compress: bool = True) -> bytes:
    """A .nii(.gz); without an affine, sform and qform are empty."""
    image = nib.Nifti1Image(array, np.eye(4) if affine is None else affine)
    if affine is None:
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)
    content = image.to_bytes()
    return gzip.compress(content, 1) if compress else content


def mgz(array: np.ndarray, affine: NDArray[np.float64]) -> bytes:
    return gzip.compress(nib.MGHImage(array.astype(np.float32), affine).to_bytes(), 1)


def nrrd_file(array: np.ndarray, affine: NDArray[np.float64], encoding: str = "gzip") -> bytes:
    """A NRRD in left-posterior-superior space, as 3D Slicer writes it."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    stream = io.BytesIO()
    header = {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
        "encoding": encoding,
    }
    nrrd.write(stream, array, header)
    return stream.getvalue()


def dicom_series(
    array: np.ndarray,
    affine: NDArray[np.float64],
    *,
    shear_mm: float = 0.0,
    series: str = "1.2.3",
    keep: Sequence[int] | None = None,
    tags: dict[str, object] | None = None,
) -> list[bytes]:
    """One file a slice along the third axis, in no order, with a patient's name in each."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    edges = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    directions = lps[:3, :3] / edges
    files = []
    for k in keep if keep is not None else range(array.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID = meta.MediaStorageSOPClassUID
        one.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        one.PatientName, one.PatientID, one.Modality = "Doe^Jane", "12345", "MR"
        one.SeriesInstanceUID, one.InstanceNumber = series, array.shape[2] - k
        position = lps[:3, 3] + lps[:3, 2] * k + directions[:, 1] * shear_mm * k
        one.ImagePositionPatient = [f"{value:.6f}" for value in position]
        one.ImageOrientationPatient = [f"{value:.8f}" for value in directions.T[:2].ravel()]
        one.PixelSpacing = [f"{edges[1]:.6f}", f"{edges[0]:.6f}"]
        one.Rows, one.Columns = array.shape[1], array.shape[0]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation = 15, 0
        one.PixelData = np.ascontiguousarray(array[:, :, k].T).astype("<u2").tobytes()
        for name, value in (tags or {}).items():
            setattr(one, name, value)
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, one)
        files.append(stream.getvalue())
    return files[1::2] + files[::2]


def zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def enhanced_dicom(array: np.ndarray, affine: NDArray[np.float64]) -> bytes:
    """The same slices as the frames of one enhanced MR file, last slice first."""
    import pydicom
    from pydicom.dataset import Dataset

    slices = [pydicom.dcmread(io.BytesIO(one)) for one in dicom_series(array, affine)]
    slices.sort(key=lambda one: int(one.InstanceNumber))
    whole = slices[0]
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = whole.ImageOrientationPatient
    measures.PixelSpacing = whole.PixelSpacing
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    whole.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for one in slices:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = one.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    whole.PerFrameFunctionalGroupsSequence = frames
    whole.NumberOfFrames = len(slices)
    whole.PixelData = b"".join(one.PixelData for one in slices)
    del whole.ImagePositionPatient, whole.ImageOrientationPatient, whole.PixelSpacing
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, whole)
    return stream.getvalue()
