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
