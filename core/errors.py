"""The errors that a user may meet, each carrying a sentence fit for the screen."""


class ImagingError(Exception):
    """Base of all errors that a person's input or installation can cause.

    The message says what was found, what was expected and what to do.
    """


class UnreadableImageError(ImagingError):
    """The file cannot be decoded as an image or volume."""


class UnsuitableInputError(ImagingError):
    """The file was read, but its content does not fit the task."""


class WeightsError(ImagingError):
    """A weights file is missing, or is not the one that its card describes."""


class DownloadError(ImagingError):
    """A file could not be downloaded, or what came is not the file that was asked for."""


class StoreError(ImagingError):
    """What was to be kept could not be, or what was kept cannot be read."""


LEFT_OUT = (
    *("torch", "torchvision", "tensorflow", "keras", "ultralytics", "pytorch_grad_cam"),
    *("torchio", "albumentations", "onnx", "safetensors", "matplotlib"),
)
"""Packages of the full install that the light one (requirements-light.txt) leaves out."""


def missing_package(err: ModuleNotFoundError) -> ImagingError:
    """What to do where a package of the full install is missing.

    Raises:
        ModuleNotFoundError: If it is a package that every install has.
    """
    package = (err.name or "").partition(".")[0]
    if package not in LEFT_OUT:
        raise err
    return ImagingError(
        f"This needs the package {package}, which the light install leaves out. Run "
        "`pip install -r requirements.txt`, then open it again."
    )
