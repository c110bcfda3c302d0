"""Figures of a period on the units of another day: *as it was*, *as it is now*, *as on a date*. Views judge nothing.

Asked now and then and never on the way of the stream, so all of it is in fractions and worked out anew each time.
"""

from services.metrics.views.anew import view_anew
from services.metrics.views.view import view

__all__ = ["view", "view_anew"]
