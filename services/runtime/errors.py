"""Errors by their fate.

    Exception
    ├── StartError         the service cannot start: one sentence with the remedy, exit code 2, no traceback
    ├── Stopped            it was asked to stop before it had started: exit code 0
    └── DeliveryError      a batch could not be handled
        ├── Transient      the world is away: try again, for as long as it takes
        ├── Fenced         somebody newer wrote: forget what is held in memory and read again
        └── Unprocessable  an input that we cannot handle, so our bug: the fuse stops the partition
            └── Blown      too much of the input is bad: the same, and without trying again

Anything else that a handler raises counts as `Unprocessable` after a few tries.
"""


class StartError(Exception):
    """Why the service cannot start, in one sentence that names the setting or file to mend."""


class DeliveryError(Exception):
    """A batch could not be handled; the subclass says what happens next."""


class Transient(DeliveryError):
    """A dependency is away or overloaded. Nothing is lost: the same batch is tried again with back-off."""


class Fenced(DeliveryError):
    """A write met a version that it did not expect: another process owns the partition now, or did a moment ago."""


class Unprocessable(DeliveryError):
    """This input cannot be handled and must not be skipped. Names the coordinates."""


class Blown(Unprocessable):
    """Too much of the input is bad. Trying again changes nothing; somebody must look."""


class Stopped(Exception):
    """The service was asked to stop before it had started: a clean end."""


_MOST_SAID = 500


def in_short(error: BaseException) -> str:
    """What an error is, for a log line or `/readyz`. Some texts hold all that was to be written, which is megabytes."""
    return f"{type(error).__name__}: {cut(str(error))}"


def cut(text: str) -> str:
    """The beginning of a text that may be of any length."""
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}… ({len(text)} characters)"
