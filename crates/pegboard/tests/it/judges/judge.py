"""What Schemathesis asks beside its own checks: a list is answered item by item, so that its status alone says little."""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.check
def every_item_that_the_document_takes_is_taken(_ctx, response, case):
    if response.status_code != 200 or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    refused = response.json()["refused"]
    assert not refused, f"the document takes it, the hub does not: {refused[:3]}"
