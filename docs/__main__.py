"""`make docs`: runs every generator of this folder."""

import runpy
from pathlib import Path

for generator in sorted(Path(__file__).parent.glob("generate_*.py")):
    runpy.run_module(f"docs.{generator.stem}", run_name="__main__")
