"""Posts to a hub what Twilio's own package signs: callbacks as forms, and Event Streams as JSON. Prints how many of them were taken."""

import argparse
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from twilio.request_validator import RequestValidator

arguments = argparse.ArgumentParser()
arguments.add_argument("--hub", required=True, help="where the hub listens")
arguments.add_argument("--public", required=True, help="the URL that the hub believes to have")
arguments.add_argument("--token", required=True)
arguments = arguments.parse_args()

validator = RequestValidator(arguments.token)
path = urllib.parse.urlparse(arguments.public).path


def post(query, body, content_type, fields):
    signature = validator.compute_signature(arguments.public + query, fields)
    headers = {"Content-Type": content_type, "X-Twilio-Signature": signature}
    request = urllib.request.Request(arguments.hub + path + query, body.encode(), headers)
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as refused:
        return refused.code


def event(number, names):
    values = {
        "event_type": "worker.activity.update",
        "sid": f"EV{number:032x}",
        "timestamp_ms": str(int(time.time() * 1000) - 60_000 + number),
        "worker_sid": f"WK{number:032x}",
        "worker_name": f"Jos\u00e9 & S\u00f8n {number} +%",
        "worker_activity_sid": "WA1",
        "worker_activity_name": "Available",
        "worker_attributes": json.dumps({"skills": ["a b", "c=d"]}),
        "task_sid": "",
    }
    return {names(name): value for name, value in values.items()}


def as_form(number):
    fields = event(number, lambda name: "".join(word.title() for word in name.split("_")))
    body = urllib.parse.urlencode(fields)
    return post("", body, "application/x-www-form-urlencoded; charset=UTF-8", fields)


def as_stream(number):
    payload = event(number, lambda name: name)
    payload["eventtype"] = payload.pop("event_type")
    element = {"specversion": "1.0", "type": "com.twilio.taskrouter.worker.activity.update", "id": payload["sid"], "data": {"payload": payload}}
    body = json.dumps([element])
    return post(f"?bodySHA256={validator.compute_hash(body)}", body, "application/json", {})


answers = [(as_form if number % 2 else as_stream)(number) for number in range(40)]
validator = RequestValidator("0" * 32)
strangers = [as_form(100), as_stream(101)]
print(json.dumps({"answers": answers, "strangers": strangers}))
