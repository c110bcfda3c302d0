"""Folds observations into figures, rolls them up the tree and judges them against their plans."""
