"""Decoders against bytes from anybody: whatever comes, the outcome is ours.

`targets.py` says what is fed and what must hold, `corpus/` what to begin with. `make fuzz` lets atheris look for bytes
that break it, following the branches of the code; `test_fuzz.py` replays the corpus and varies it a little in every
run. What atheris finds goes into the corpus together with the correction.
"""
