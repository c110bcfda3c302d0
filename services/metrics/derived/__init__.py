"""KPIs made from other KPIs: growth and composite.

A derived KPI has a series of its own, made by rule from what its sources have stored: the same sources, the same
series, to the last bit. From then on it is judged like any other. `deriver` says when, this package says what.
"""
