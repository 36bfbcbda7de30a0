"""Starts a policy pack for an engine without a Python language host, and ends it with that engine, however it ends.

Run with the pack's own Python as `policy_launcher.py <engine address> <program>`, in the pack's folder.
"""

import os
import runpy
import sys
import threading
import time

POLL_SECONDS = 1.0


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=[os.getppid()], daemon=True).start()
    sys.path[0] = os.getcwd()  # noqa: PTH109 as `python -m` has it
    runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
