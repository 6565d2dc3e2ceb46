"""What Schemathesis asks beside its own checks: a list is answered item by item, so that its status alone says little."""

from datetime import datetime, timedelta

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """What the document can say in words only: the end of a state is later than its start, and nothing else has one."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for record in case.body.get("records", [case.body]):
        if "until" in record:
            end_later(record)


def end_later(record):
    del record["until"]
    if record.get("change", "state") != "state":
        return
    try:
        start = datetime.fromisoformat(record["at"].upper())
        record["until"] = (start + timedelta(minutes=15)).isoformat()
    except (ValueError, OverflowError):
        pass  # A leap second, or the last minutes of the calendar.


@schemathesis.check
def every_item_that_the_document_takes_is_taken(_ctx, response, case):
    if response.status_code != 200 or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    refused = response.json()["refused"]
    assert not refused, f"the document takes it, the hub does not: {refused[:3]}"
