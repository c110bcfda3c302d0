#!/bin/sh
# Sends one figure to Kafka with kcat. TIENDO_KAFKA: host:port of a broker. TIENDO_TOPIC: your own topic.
set -eu

printf '%s' '{"province":"dak-nong","kpi":"edoc-signed-share","org_unit":"dak-nong.dak-mil.xa-dak-lao","as_of":"2023-12-14","numerator":913,"denominator":1000}' |
kcat -P -b "${TIENDO_KAFKA:-127.0.0.1:9092}" -t "${TIENDO_TOPIC:-statistics.reported.v1}" -X acks=all \
  -k dak-nong/edoc-signed-share/dak-nong.dak-mil.xa-dak-lao \
  -H ce_specversion=1.0 \
  -H ce_type=vn.tiendo.statistic.reported.v1 \
  -H ce_source=urn:tiendo:source:dak-nong:edoc \
  -H ce_id=2023-12-14/dak-lao \
  -H ce_time=2023-12-14T16:00:00+07:00 \
  -H content-type=application/json
