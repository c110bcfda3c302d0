// Sends one figure over HTTP: go run .
// TIENDO_HTTP: address of the gateway. TIENDO_KEY: your key, where one is asked for.
package main

import (
	"context"
	"log"
	"os"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type figure struct {
	Province    string `json:"province"`
	KPI         string `json:"kpi"`
	OrgUnit     string `json:"org_unit"`
	AsOf        string `json:"as_of"`
	Numerator   int64  `json:"numerator"`
	Denominator int64  `json:"denominator"`
}

func main() {
	address := os.Getenv("TIENDO_HTTP")
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	options := []cloudevents.HTTPOption{cloudevents.WithTarget(address + "/api/v1/statistics")}
	if key := os.Getenv("TIENDO_KEY"); key != "" {
		options = append(options, cloudevents.WithHeader("Authorization", "Bearer "+key))
	}
	client, err := cloudevents.NewClientHTTP(options...)
	if err != nil {
		log.Fatal(err)
	}

	event := cloudevents.NewEvent()
	event.SetType("vn.tiendo.statistic.reported.v1")
	event.SetSource("urn:tiendo:source:dak-nong:edoc")
	event.SetID("2023-12-14/dak-lao")
	event.SetTime(time.Date(2023, 12, 14, 16, 0, 0, 0, time.FixedZone("+07:00", 7*60*60)))
	err = event.SetData(cloudevents.ApplicationJSON, figure{
		Province:    "dak-nong",
		KPI:         "edoc-signed-share",
		OrgUnit:     "dak-nong.dak-mil.xa-dak-lao",
		AsOf:        "2023-12-14",
		Numerator:   913,
		Denominator: 1000,
	})
	if err != nil {
		log.Fatal(err)
	}
	if result := client.Send(context.Background(), event); !cloudevents.IsACK(result) {
		log.Fatal(result)
	}
}
