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
