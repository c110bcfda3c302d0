"""Where a figure will stand at its deadline if it goes on like this, and how likely the target is then met.

Pure: a series in, a forecast or a named reason out. Three methods that can be explained to the people they judge are
tried on the series itself, and the errors they made there are the whole basis of interval and probability; no
distribution is assumed, nothing is learned from anybody else's figures, and the same series always gives the same
answer. Estimates in floating point: nothing here may decide a status.
"""
