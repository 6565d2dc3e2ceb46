"""Twilio's own package as the judge of signatures.

Reads cases from stdin, each with the signature that ours made of it, and answers with JSON: whether the package takes it, and what
the package signs the same with.
"""

import json
import sys

from twilio.request_validator import RequestValidator


class Fields(dict):
    """Fields of a form, of which a name may have several values."""

    def __init__(self, pairs):
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getlist(self, name):
        return self[name]


def judge(case):
    validator = RequestValidator(case["token"])
    fields = Fields(case["fields"]) if "fields" in case else {}
    content = fields if "fields" in case else case["body"]
    return {
        "takes": validator.validate(case["url"], content, case["signature"]),
        "signs": validator.compute_signature(case["url"], fields),
    }


json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
