"""Real, licensed sample images: a table of addresses and truths, fetched on request only."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from core.errors import DownloadError
from core.stages import Progress

_TABLE = Path(__file__).with_name("samples.csv")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, eq=False)
class Sample:
    """One row of `samples.csv`.

    Attributes:
        task: "fracture", "bone_age", "chest" or "skull_strip".
        name: The file's name.
        title: What the screen calls it.
        url: Where it is downloaded from.
        sha256: Hash (hex) of its bytes.
        bytes: Its size.
        truth: What is known of it; empty if unknown. The keys depend on the task: "boxes_xyxy" in
            pixels of the file as it is downloaded with its "width" and "height", "age_months"
            and "sex", or "findings" with "view", "age" and "sex".
        look: In a sentence, what to look at.
        licence: Terms of use, to be shown with the image.
        citation: Whom to cite, to be shown with the image.
        used_in: Which part of the training or evaluation it belongs to.
    """

    task: str
    name: str
    title: str
    url: str
    sha256: str
    bytes: int
    truth: Mapping[str, Any]
    look: str
    licence: str
    citation: str
    used_in: str

    def boxes_xyxy(self, shape: tuple[int, int] | None = None) -> NDArray[np.float32] | None:
        """The true boxes, or None where the truth is no boxes.

        Args:
            shape: (H, W) of the image that the boxes are for, where it is no longer the
                file's own because it was resized.

        Returns:
            float32 (N, 4); N = 0 says that the image is normal.
        """
        if "boxes_xyxy" not in self.truth:
            return None
        boxes = np.asarray(self.truth["boxes_xyxy"], np.float32).reshape(-1, 4)
        if shape is None or not len(boxes):
            return boxes
        scale = np.array([shape[1] / self.truth["width"], shape[0] / self.truth["height"]] * 2)
        return (boxes * scale).astype(np.float32)


def samples(task: str | None = None) -> tuple[Sample, ...]:
    """The samples of one task, or all, in the table's order."""
    with _TABLE.open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if task in (None, row["task"])]
    return tuple(
        Sample(**{**row, "bytes": int(row["bytes"]), "truth": json.loads(row["truth"])})
        for row in rows
    )


def is_cached(sample: Sample, *, cache: Path | None = None) -> bool:
    """Whether the sample is on this computer; its hash is checked when it is fetched."""
    path = _path(sample, cache)
    return path.is_file() and path.stat().st_size == sample.bytes


def fetch(
    sample: Sample,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    timeout_seconds: float = 20.0,
    allow_loopback_http: bool = False,
) -> Path:
    """The sample's file, downloaded unless it is on this computer already.

    Args:
        sample: What to fetch.
        progress: Told how much has arrived.
        cache: Folder for the files; the user's cache folder if None.
        timeout_seconds: How long the server may stay silent.
        allow_loopback_http: Permits plain HTTP from this computer itself, for tests.

    Returns:
        Path of a file whose SHA-256 is the sample's. It was checked before it was moved there.

    Raises:
        DownloadError: If there is no network, no such file, or another file than expected.
    """
    import pooch
    import requests

    address = urlsplit(sample.url)
    loopback = allow_loopback_http and address.hostname in _LOOPBACK
    if address.scheme != "https" and not (address.scheme == "http" and loopback):
        raise DownloadError(
            f"“{sample.title}” is listed under the address {sample.url}, but samples are "
            "downloaded over HTTPS only; correct core/samples.csv."
        )
    path = _path(sample, cache)
    what = f"Downloading {sample.name} from {address.hostname}"
    arrival = _Arrival(sample, progress, what)
    download = pooch.HTTPDownloader(
        progressbar=arrival,
        timeout=timeout_seconds,
        allow_redirects=False,  # a redirection could leave HTTPS
    )
    try:
        pooch.retrieve(
            sample.url, f"sha256:{sample.sha256}", path.name, path.parent, downloader=download
        )
    except requests.exceptions.Timeout as err:
        raise DownloadError(
            f"{address.hostname} did not answer within {timeout_seconds:g} seconds. Try again, "
            "or check the connection."
        ) from err
    except requests.exceptions.HTTPError as err:
        raise DownloadError(
            f"{address.hostname} has no file at the address listed for “{sample.title}” "
            f"(it answered: {err}). It may have been moved; use another sample."
        ) from err
    except requests.exceptions.RequestException as err:
        if arrival.bytes or isinstance(err, requests.exceptions.ChunkedEncodingError):
            raise DownloadError(
                f"The connection broke off before all of “{sample.title}” had arrived. Try again."
            ) from err
        raise DownloadError(
            f"{address.hostname} cannot be reached. Check the connection; samples that were "
            "downloaded before can be used without one."
        ) from err
    except ValueError as err:  # how pooch reports a wrong hash
        raise DownloadError(
            f"What {address.hostname} sent for “{sample.title}” is not the listed file: its "
            "SHA-256 differs. It was thrown away; try again later or use another sample."
        ) from err
    except OSError as err:
        raise DownloadError(
            f"“{sample.title}” cannot be kept in {path.parent}: {err.strerror or err}. Check "
            "free space and permissions there."
        ) from err
    return path


def _path(sample: Sample, cache: Path | None) -> Path:
    import pooch

    folder = Path(pooch.os_cache("lightbox")) if cache is None else cache
    return folder / sample.task / f"{sample.sha256[:12]}-{sample.name}"


class _Arrival:
    """What pooch takes for a progress bar: passes on how much has arrived, and stops excess."""

    def __init__(self, sample: Sample, progress: Progress | None, what: str) -> None:
        self.total = sample.bytes
        self._sample, self._progress, self._what = sample, progress, what
        self.bytes = 0

    def update(self, count: int) -> None:
        self.bytes += count
        # pooch counts whole chunks: the last may be short.
        if self.bytes > self._sample.bytes + 65536:
            raise ValueError("the server sends more than the file")
        if self._progress is not None:
            self._progress(min(self.bytes / self._sample.bytes, 1.0), self._what)

    def reset(self) -> None:
        self.bytes = 0

    def close(self) -> None:
        """Nothing to close."""
