// Sends one figure to Kafka: npm ci && node send-figure.js
// TIENDO_KAFKA: host:port of a broker.
import { CloudEvent, Kafka as Binding } from "cloudevents";
import { Kafka, logLevel } from "kafkajs";

const event = new CloudEvent({
  type: "vn.tiendo.statistic.reported.v1",
  source: "urn:tiendo:source:dak-nong:edoc",
  id: "2023-12-14/dak-lao",
  time: "2023-12-14T16:00:00+07:00",
  datacontenttype: "application/json",
  data: {
    province: "dak-nong",
    kpi: "edoc-signed-share",
    org_unit: "dak-nong.dak-mil.xa-dak-lao",
    as_of: "2023-12-14",
    numerator: 913,
    denominator: 1000,
  },
});

const kafka = new Kafka({ brokers: [process.env.TIENDO_KAFKA ?? "127.0.0.1:9092"], logLevel: logLevel.ERROR });
const producer = kafka.producer();
await producer.connect();
try {
  // Structured mode: in binary mode this SDK gives headers without a value, which kafkajs does not take.
  const { headers, value } = Binding.structured(event);
  await producer.send({
    topic: process.env.TIENDO_TOPIC ?? "statistics.reported.v1",
    acks: -1,
    messages: [{ key: "dak-nong/edoc-signed-share/dak-nong.dak-mil.xa-dak-lao", headers, value }],
  });
} finally {
  await producer.disconnect();
}
