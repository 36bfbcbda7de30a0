"""What test_run_examples.py does with one emulator, in a process of its own: `LOCAL_PORT=… python -m
tests.local.run_examples FOLDER start|up|unchanged|stop EXAMPLE…`. The examples are in `FOLDER/examples`.

`up` prints the errors and outputs of each, `unchanged` reads what runs and prints what another update would do.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from local import paths

REGION = "ap-northeast-1"


def main(folder: str, command: str, *examples: str) -> None:
    paths.LOCAL = Path(folder)  # before the modules that keep something there
    from local import emulator, engine, stack
    from local.console import Step

    os.chdir(paths.ROOT)
    if command == "start":
        emulator.ensure(REGION)
    if command == "stop":
        emulator.stop()
    if not examples:
        return
    found, providers = engine.ensure(), stack.Providers(online=True)
    came: dict[str, Any] = {}
    try:
        stack.warm_up()
        for name in examples:
            program = stack.Program(paths.LOCAL / "examples" / name)
            state = paths.LOCAL / "state" / name
            local = stack.LocalStack(
                program.default_stack,
                found,
                providers,
                state=state,
                program=program,
                policy_config=paths.LOCAL / "examples" / "policy-config.json",
            )
            if command == "up":
                came[name] = {"errors": local.up(Step(name)).errors, "outputs": stack.recorded_outputs(state)}
            else:
                local.refresh(Step(name))
                came[name] = local.preview(Step(name)).changes
    finally:
        providers.stop()
    print(json.dumps(came))


if __name__ == "__main__":
    main(*sys.argv[1:])
