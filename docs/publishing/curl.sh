#!/bin/sh
# Sends one figure over HTTP with curl. TIENDO_HTTP: address of the gateway; TIENDO_KEY: your key, where one is asked for.
set -eu

curl --silent --show-error --fail-with-body "${TIENDO_HTTP:-http://127.0.0.1:8080}/api/v1/statistics" \
  ${TIENDO_KEY:+-H "authorization: Bearer $TIENDO_KEY"} \
  -H 'content-type: application/json' \
  -H 'ce-specversion: 1.0' \
  -H 'ce-type: vn.tiendo.statistic.reported.v1' \
  -H 'ce-source: urn:tiendo:source:dak-nong:edoc' \
  -H 'ce-id: 2023-12-14/dak-lao' \
  -H 'ce-time: 2023-12-14T16:00:00+07:00' \
  -d '{"province":"dak-nong","kpi":"edoc-signed-share","org_unit":"dak-nong.dak-mil.xa-dak-lao","as_of":"2023-12-14","numerator":913,"denominator":1000}'
