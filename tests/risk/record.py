"""Records previews of changes to a running stack, made by the real engine: `python -m tests.risk.record [NAME…]`.

A copy of the checkout is brought up, then each change is made to it, previewed and taken back. What the report does not
read (outputs, the inputs before of what stays the same, times) is left out, so that a new recording shows what differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pulumi.automation.events import EngineEvent

from risk import render
from risk.report import assess
from tests.local.checkout import Checkout, copy_checkout, free_port
from tests.risk.changes import CHANGES, Change

RECORDINGS = Path(__file__).parent / "recordings"


def main(names: list[str]) -> None:
    RECORDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), free_port())
        copy_checkout(checkout.path)
        wanted = [change for name, change in CHANGES.items() if not names or name in names]
        running = False
        try:
            for change in wanted:
                if change.name != "first deployment" and not running:
                    checkout.local("up").succeeded()
                    running = True
                _record(checkout, change)
        finally:
            checkout.local("down")


def _record(checkout: Checkout, change: Change) -> None:
    originals = {file: (checkout.path / file).read_text() for file, _, _ in change.edits}
    for file, old, new in change.edits:
        checkout.replace(file, old, new)
    log = checkout.path / "events.jsonl"
    log.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-c", LISTENING_PREVIEW, str(log)],
            cwd=checkout.path,
            env=checkout.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        events = [json.loads(line) for line in log.read_text().splitlines()]
    finally:
        for file, text in originals.items():
            (checkout.path / file).write_text(text)
    kept = [json.dumps(event, sort_keys=True) for event in map(_trimmed, events) if event]
    recording = RECORDINGS / change.file
    recording.write_text("\n".join(kept).replace(str(checkout.path), "") + "\n")
    write_report(recording)
    print(f"{change.file}: exit code {done.returncode}, {len(kept)} events", flush=True)
    if not kept:
        print(done.stdout, done.stderr)


def write_report(recording: Path) -> None:
    """What the test expects of the recording: read its difference before you commit it."""
    events = (EngineEvent.from_json(json.loads(line)) for line in recording.read_text().splitlines())
    recording.with_suffix(".txt").write_text(render.text(assess(events), every=True) + "\n")


LISTENING_PREVIEW = """
import json, sys
from pathlib import Path
sys.path.insert(0, str(Path.cwd()))
from pulumi.automation import events
from local.__main__ import main

log = open(sys.argv[1], "w")
parse = events.EngineEvent.from_json

def listen(data):
    log.write(json.dumps(data) + "\\n")
    log.flush()
    return parse(data)

events.EngineEvent.from_json = listen
raise SystemExit(main(["preview", "--stack", "local"]))
"""
"""The preview of a checkout, every event of the engine also written to a file."""


def _trimmed(event: dict[str, Any]) -> dict[str, Any] | None:
    for kind in ("policyEvent", "summaryEvent"):
        if kind in event:
            return {kind: {key: value for key, value in event[kind].items() if key not in ("color", "durationSeconds")}}
    if "diagnosticEvent" in event and event["diagnosticEvent"].get("severity") in ("error", "warning"):
        return {"diagnosticEvent": event["diagnosticEvent"]}
    if "resourcePreEvent" not in event:
        return None
    metadata = {key: event["resourcePreEvent"]["metadata"].get(key) for key in _METADATA}
    for state in ("old", "new"):
        if metadata[state]:
            read = ("custom", "id") if (metadata["op"], state) == ("same", "old") else ("custom", "id", "inputs")
            metadata[state] = {key: metadata[state][key] for key in read if metadata[state].get(key)}
    return {"resourcePreEvent": {"metadata": {key: value for key, value in metadata.items() if value}}}


_METADATA = ("op", "urn", "type", "old", "new", "keys", "diffs", "detailedDiff")


if __name__ == "__main__":
    main(sys.argv[1:])
