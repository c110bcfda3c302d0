"""The door: reads what publishers report, checks it against the catalog, keeps the ledger, passes on what is sound."""
