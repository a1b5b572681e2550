"""What is found to score, in whatever form it comes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from core.errors import ImagingError, UnsuitableInputError
from models.score.sources import contents, items
from tests.score.stand_in import write_film


def found(given: Path, volumes: bool = False) -> list[tuple[str, int, str]]:
    """Path below `given`, number of files and entry of every item."""
    listed = items(given, volumes=volumes)
    return [(one.path.replace(str(given), "IN"), len(one.files), one.entry) for one in listed]


def write_slice(path: Path, series: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    made.SeriesInstanceUID = series
    made.save_as(path, enforce_file_format=True)


def test_folder_is_read_recursively_without_what_lies_beside_images(tmp_path: Path) -> None:
    for name in ("b/2.png", "a/1.png", "a/.hidden.png", "results/old.png"):
        write_film(tmp_path / name, 1)
    (tmp_path / "a" / "labels.csv").write_text("file\n1.png\n")
    (tmp_path / "notes").write_text("no image, and nothing says so before it is read")
    listed = items(tmp_path, volumes=False, leave_out=tmp_path / "results")
    paths = [Path(one.path).relative_to(tmp_path).as_posix() for one in listed]
    assert paths == ["notes", "a/1.png", "b/2.png"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_list_gives_paths_beside_it_and_sex(tmp_path: Path, ending: str) -> None:
    write_film(tmp_path / "films" / "1.png", 1)
    table = pd.DataFrame({"path": ["films/1.png", "gone.png"], "sex": ["female", None]})
    path = tmp_path / f"list.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    first, second = items(path, volumes=False)
    assert (first.path, first.sex, second.sex) == ("films/1.png", "F", None)
    assert contents(first)[0][1] == (tmp_path / "films" / "1.png").read_bytes()
    with pytest.raises(ImagingError, match="no such file"):
        contents(second)


def test_zip_gives_its_entries_and_their_bytes(tmp_path: Path) -> None:
    write_film(tmp_path / "1.png", 1)
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.write(tmp_path / "1.png", "deep/1.png")
        archive.writestr("../evil.png", b"x")
        archive.writestr("readme.txt", b"x")
    evil, film = items(tmp_path / "films.zip", volumes=False)
    assert film.path.endswith("films.zip/deep/1.png")
    assert ".." not in evil.path
    assert contents(film)[0][1] == (tmp_path / "1.png").read_bytes()


def test_dicom_files_are_one_head_a_series_and_one_film_each(tmp_path: Path) -> None:
    for number, series in enumerate(("1.2.3", "1.2.3", "1.2.4")):
        write_slice(tmp_path / "scan" / f"{number}", series)
    (tmp_path / "head.nii.gz").write_bytes(b"\x1f\x8b")
    assert found(tmp_path, volumes=True) == [
        ("IN/head.nii.gz", 1, ""),
        ("IN/scan#1", 2, ""),
        ("IN/scan#2", 1, ""),
    ]
    assert len(found(tmp_path / "scan")) == 3


def test_dicomdir_names_the_files(tmp_path: Path) -> None:
    from pydicom.fileset import FileSet

    write_slice(tmp_path / "one.dcm", "1.2.3")
    made = FileSet()
    from pydicom import dcmread

    scan = dcmread(tmp_path / "one.dcm")
    for name, value in {
        "PatientID": "1", "PatientName": "x", "StudyDate": "20200101", "StudyTime": "120000",
        "StudyInstanceUID": "1.2", "StudyID": "1", "Modality": "MR", "SeriesNumber": 1,
        "InstanceNumber": 1, "SOPInstanceUID": scan.file_meta.MediaStorageSOPInstanceUID,
        "SOPClassUID": scan.file_meta.MediaStorageSOPClassUID,
    }.items():  # fmt: skip
        setattr(scan, name, value)
    made.add(scan)
    made.write(tmp_path / "disc")
    (film,) = items(tmp_path / "disc" / "DICOMDIR", volumes=False)
    assert Path(film.files[0]).is_file()
    assert contents(film)[0][1][128:132] == b"DICM"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("nowhere", None, "There is no"),
        ("list.csv", "name,sex\nx,F\n", "no column “path”"),
        ("list.parquet", "no table", "no Parquet file"),
    ],
)
def test_what_is_no_list_gets_a_sentence(
    tmp_path: Path, name: str, text: str | None, sentence: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UnsuitableInputError, match=sentence):
        list(items(tmp_path / name, volumes=False))
