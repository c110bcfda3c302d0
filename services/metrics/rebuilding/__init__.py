"""Computing a KPI anew from ingest's ledger, into a generation of its own, while readers keep the one in force."""
