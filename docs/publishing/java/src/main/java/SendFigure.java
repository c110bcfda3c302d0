import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends one figure to Kafka: {@code mvn -q compile exec:java}. TIENDO_KAFKA: host:port of a broker. */
public final class SendFigure {

    private static final String FIGURE = """
        {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": "dak-nong.dak-mil.xa-dak-lao",
         "as_of": "2023-12-14", "numerator": 913, "denominator": 1000}""";

    public static void main(String[] arguments) throws Exception {
        CloudEvent event = CloudEventBuilder.v1()
            .withType("vn.tiendo.statistic.reported.v1")
            .withSource(URI.create("urn:tiendo:source:dak-nong:edoc"))
            .withId("2023-12-14/dak-lao")
            .withTime(OffsetDateTime.parse("2023-12-14T16:00:00+07:00"))
            .withData("application/json", FIGURE.getBytes(StandardCharsets.UTF_8))
            .build();
        Map<String, Object> settings = Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv().getOrDefault("TIENDO_KAFKA", "127.0.0.1:9092"),
            ProducerConfig.ACKS_CONFIG, "all");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new CloudEventSerializer())) {
            String topic = System.getenv().getOrDefault("TIENDO_TOPIC", "statistics.reported.v1");
            String key = "dak-nong/edoc-signed-share/dak-nong.dak-mil.xa-dak-lao";
            producer.send(new ProducerRecord<>(topic, key, event)).get();
        }
    }
}
