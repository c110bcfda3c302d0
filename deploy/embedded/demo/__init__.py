"""The demonstration: a province's published figures and a labelled simulation of a year, played for real."""
