"""All benchmarks, one after the other: `python -m tests.bench [NAME...]`.

Each `bench_NAME.py` in this folder also runs on its own, with options of its own.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Run the benchmarks named, or all of them; the number of those that failed."""
    there = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    chosen = sys.argv[1:] or there
    if unknown := set(chosen) - set(there):
        print(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(there)}")
        return 2
    failed = 0
    for name in chosen:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"tests.bench.bench_{name}"]
        failed += subprocess.run(command, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
