"""Sends one figure over HTTP: `pip install cloudevents`.

TIENDO_HTTP: address of the gateway. TIENDO_KEY: your key, where one is asked for.
"""

import os
import urllib.request
from datetime import datetime

from cloudevents.core.bindings.http import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

FIGURE = {
    "province": "dak-nong",
    "kpi": "edoc-signed-share",
    "org_unit": "dak-nong.dak-mil.xa-dak-lao",
    "as_of": "2023-12-14",
    "numerator": 913,
    "denominator": 1000,
}
EVENT = CloudEvent(
    {
        "specversion": "1.0",
        "type": "vn.tiendo.statistic.reported.v1",
        "source": "urn:tiendo:source:dak-nong:edoc",
        "id": "2023-12-14/dak-lao",
        "time": datetime.fromisoformat("2023-12-14T16:00:00+07:00"),
        "datacontenttype": "application/json",
    },
    FIGURE,
)

message = to_binary(EVENT, JSONFormat())
key = os.environ.get("TIENDO_KEY")
request = urllib.request.Request(
    os.environ.get("TIENDO_HTTP", "http://127.0.0.1:8080") + "/api/v1/statistics",
    data=message.body,
    headers={**message.headers, **({"authorization": f"Bearer {key}"} if key else {})},
    method="POST",
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(answer.read().decode())  # noqa: T201
