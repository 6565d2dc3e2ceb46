#!/usr/bin/env python3
"""A toy telephone system that tells Pegboard what its agents do, with nothing but Python's own library.

    PEGBOARD_PBX_ACCESS_KEY_ID=... PEGBOARD_PBX_SECRET_ACCESS_KEY=... \
        ./toy_pbx.py --url http://127.0.0.1:8080 --source pbx

An hour of four agents is made up and handed in, at the pace of --seconds for the whole of it. What a real system
needs of this: `hand_in`, which never gives up and never counts anything twice, and the two shapes of records.
"""

import argparse
import base64
import datetime
import json
import os
import random
import time
import urllib.error
import urllib.request
import uuid

QUEUE = {"id": "sales", "name": "Sales"}


def hand_in(url, source, key, records):
    """Sends records until the hub has them on disk. The same key again keeps nothing twice."""
    request = urllib.request.Request(f"{url}/api/v1/push/{source}", json.dumps({"records": records}).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", "Basic " + base64.b64encode(":".join(key).encode()).decode())
    request.add_header("Idempotency-Key", str(uuid.uuid4()))
    pause = 1
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                refused = json.load(answer)["refused"]
                for one in refused:
                    print(f"refused: {one['path']}: {one['message']}")
                return len(records) - len(refused)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise SystemExit(f"{error}: {error.read().decode()}") from error
            pause = int(error.headers.get("Retry-After", pause))
        except OSError as error:
            print(f"{error}: trying again in {pause} s")
        time.sleep(pause)
        pause = min(pause * 2, 60)


def state(agent, at, status, routing, contact=None, change="state"):
    """The whole of an agent after something changed."""
    return {
        "kind": "agent_state", "id": str(uuid.uuid4()), "agent": agent, "login": f"agent{agent}", "team": "Sales",
        "at": at.isoformat(), "change": change, "status": {"name": status, "routing": routing},
        "contacts": [contact] if contact else [],
    }


def an_hour(agent, start, chance):
    """What one agent does in an hour, with the contacts that came of it."""
    at = start + datetime.timedelta(seconds=chance.randrange(60))
    yield at, state(agent, at, "Available", "routable", change="sign_in")
    while at < start + datetime.timedelta(minutes=50):
        entered = at + datetime.timedelta(seconds=chance.randrange(30, 300))
        connected = entered + datetime.timedelta(seconds=chance.randrange(2, 40))
        ended = connected + datetime.timedelta(seconds=chance.randrange(60, 400))
        at = ended + datetime.timedelta(seconds=30)
        call = {"id": str(uuid.uuid4()), "channel": "VOICE", "direction": "inbound", "queue": QUEUE}
        yield connected, state(agent, connected, "Available", "routable", {**call, "phase": "connected"})
        yield ended, state(agent, ended, "Available", "routable", {**call, "phase": "wrapping"})
        yield at, state(agent, at, "Available", "routable")
        yield at, {
            "kind": "contact", "id": call["id"], "updated": at.isoformat(), "channel": "VOICE", "direction": "inbound",
            "queue": {**QUEUE, "entered": entered.isoformat(), "waited_s": (connected - entered).total_seconds()},
            "agent": {
                "id": agent, "login": f"agent{agent}", "connected": connected.isoformat(),
                "talk_s": (ended - connected).total_seconds(), "acw_s": 30, "acw_end": at.isoformat(),
            },
            "disconnected": ended.isoformat(),
        }
    yield at, state(agent, at, "Offline", "offline", change="sign_out")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", default="http://127.0.0.1:8080")
    arguments.add_argument("--source", default="pbx")
    arguments.add_argument("--seconds", type=float, default=60, help="how long the hour takes")
    arguments.add_argument("--seed", type=int, help="for the same hour again")
    given = arguments.parse_args()
    key = os.environ["PEGBOARD_PBX_ACCESS_KEY_ID"], os.environ["PEGBOARD_PBX_SECRET_ACCESS_KEY"]
    chance = random.Random(given.seed)
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    records = sorted((one for agent in ("1", "2", "3", "4") for one in an_hour(agent, start, chance)), key=lambda one: one[0])
    for first in range(0, len(records), 20):
        some = [record for _, record in records[first:first + 20]]
        hand_in(given.url, given.source, key, some)
        time.sleep(given.seconds * len(some) / len(records))
    states = sum(record["kind"] == "agent_state" for _, record in records)
    print(f"states: {states} contacts: {len(records) - states} handed in")


if __name__ == "__main__":
    main()
