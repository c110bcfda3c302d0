"""`tiendo`: the operator's hand."""
