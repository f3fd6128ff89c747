"""Wall time and peak memory of the nightly job on the demo's systems, cold and warm, and where they go.

``python -m benchmarks.nightly [--scale N] [--home DIR]``: starts the demo in DIR (default: a temporary one),
runs a cold first night and a warm second one, each as a process of its own, and prints seconds by layer.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path


def main() -> None:
    """Parse arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--home", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jibao-bench-") as folder:
        home = arguments.home or Path(folder)
        try:
            up, _ = _timed(home, "demo", "up", "--scale", str(arguments.scale))
            print(f"demo up, scale {arguments.scale}: {up:.1f} s")
            for night in ("first night (cold)", "second night (nothing new)"):
                wall, memory = _timed(home, "nightly")
                print(f"{night}: {wall:.1f} s wall, {memory:.0f} MB peak")
                _print_layers(home)
        finally:
            _timed(home, "demo", "down")


def _timed(home: Path, *arguments: str) -> tuple[float, float]:
    """(wall seconds, peak MB of the process) of one ``jibao`` command; peak is of the largest child so far."""
    started = time.monotonic()
    program = Path(sys.executable).with_name("jibao")
    subprocess.run([str(program), *arguments, "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _print_layers(home: Path) -> None:
    import dagster as dg

    from pipelines.runs import prepare_instance

    prepare_instance(home)
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        started: dict[str, float] = {}
        seconds: dict[str, float] = {}
        for entry in instance.all_logs(run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            if event.event_type_value == "STEP_START":
                started[event.step_key] = entry.timestamp
            elif event.event_type_value == "STEP_SUCCESS":
                seconds[event.step_key] = entry.timestamp - started[event.step_key]
    layers: dict[str, float] = defaultdict(float)
    for step, spent in seconds.items():
        layers[step.split("__")[0]] += spent
    shares = ", ".join(f"{layer} {spent:.1f}" for layer, spent in sorted(layers.items(), key=lambda i: -i[1]))
    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:5]
    print(f"  seconds by layer: {shares}")
    print(f"  slowest steps: {', '.join(f'{step} {spent:.1f}' for step, spent in slowest)}")


if __name__ == "__main__":
    main()
