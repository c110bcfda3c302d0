"""A suite that knows the wire and nothing of who is behind it.

    TIENDO_CONFORMANCE_KAFKA=127.0.0.1:9092 TIENDO_CONFORMANCE_HTTP=http://127.0.0.1:8080 pytest tests/conformance

The system under test has the catalog in `catalog/` applied (`tiendo catalog apply tests/conformance/catalog`). Without
addresses the suite starts this project's own door. `TIENDO_CONFORMANCE_KEY` is a publisher's key, where HTTP asks for
one. Ids are new in every run, so the suite can be run against a system that lives.
"""
