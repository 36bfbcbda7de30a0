"""Writes `policy/ecs_policy/instance_types.json` from what EC2 answered to the authors of moto: `make instance-types`.

moto keeps EC2's own answers to DescribeInstanceTypes in its package. Only that file is read: moto is not imported.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import json
from datetime import date
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[2] / "policy/ecs_policy/instance_types.json"
_ARCHITECTURES = {"arm64": "ARM64", "x86_64": "X86_64"}


def main() -> None:
    found = importlib.util.find_spec("moto")
    if found is None or found.origin is None:
        raise SystemExit("moto: not installed; run `make instance-types`")
    folder, version = Path(found.origin).parent, importlib.metadata.version("moto")
    described = json.loads(gzip.decompress((folder / "ec2/resources/instance_types.json.gz").read_bytes()))
    source = f"EC2 DescribeInstanceTypes, as packaged with moto {version}, read on {date.today()}"
    rows = [
        f"    {json.dumps(name)}: {json.dumps(row)}" for name in sorted(described) if (row := _row(described[name]))
    ]
    types = ",\n".join(rows)
    TABLE.write_text(f'{{\n  "source": {json.dumps(source)},\n  "types": {{\n{types}\n  }}\n}}\n')


def _row(described: dict[str, Any]) -> list[Any] | None:
    """The fields of `InstanceType`; None for Macs, which ECS does not run on."""
    offered = described["ProcessorInfo"]["SupportedArchitectures"]
    architecture = next((each for each in offered if each in _ARCHITECTURES), "")
    if not architecture:
        return None
    gpus = [each for each in described.get("GpuInfo", {}).get("Gpus", []) if each["Manufacturer"] == "NVIDIA"]
    return [
        described["VCpuInfo"]["DefaultVCpus"],
        described["MemoryInfo"]["SizeInMiB"],
        described["NetworkInfo"]["MaximumNetworkInterfaces"],
        _ARCHITECTURES[architecture],
        sum(each["Count"] or each.get("LogicalGpuCount", 0) for each in gpus),
    ]


if __name__ == "__main__":
    main()
