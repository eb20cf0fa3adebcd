"""Checks and tests the package in environments of its own.

    python check.py            one Python, with the newest SDK: format, lint, types, tests
    python check.py --matrix   each Python that is installed, with the oldest and the newest SDK

An environment is made once and kept in .cache/python of the repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache" / "python"
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
OLDEST = "1.20.0"
TOOLS = {"ruff": "0.17.6", "mypy": "2.4.1"}
TESTS = ["pytest", "trustme"]
GREEN = ["gevent", "eventlet"]
# The instrumentations that fit an SDK have another number.
OLDEST_INSTRUMENTATION = "0.41b0"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENCLAW_", "PYTHONPATH"))}


def main() -> int:
    if "--matrix" not in sys.argv:
        python = create(sys.executable, "newest", [*GREEN, *(f"{name}=={version}" for name, version in TOOLS.items())])
        for command in (
            ["-m", "ruff", "format", "--check", "."],
            ["-m", "ruff", "check", "."],
            ["-m", "mypy"],
            ["-m", "pytest", "-q"],
        ):
            print(f"== python {' '.join(command)}", flush=True)
            code = subprocess.run([python, *command], cwd=HERE, env=ENVIRONMENT).returncode
            if code != 0:
                return code
        return 0
    failed: list[str] = []
    for version in VERSIONS:
        base = python_of(version)
        if base is None:
            print(f"== Python {version} is not installed, so nothing was tested with it.", flush=True)
            continue
        for sdk in ("oldest", "newest"):
            python = create(base, sdk, [])
            name = f"Python {version}, SDK {version_of_sdk(python)}"
            print(f"== {name}", flush=True)
            if subprocess.run([python, "-m", "pytest", "-q"], cwd=HERE, env=ENVIRONMENT).returncode != 0:
                failed.append(name)
    print(f"Failed: {'; '.join(failed)}." if failed else "All passed.", flush=True)
    return 1 if failed else 0


def python_of(version: str) -> str | None:
    """The interpreter of a version, from pyenv or the path."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"), key=lambda path: int(path.parts[-3].rsplit(".", 1)[-1]))
    candidates = [str(found[-1])] if found else []
    on_path = shutil.which(f"python{version}")
    for candidate in [*candidates, *([on_path] if on_path else [])]:
        said = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
        )
        if said.stdout.strip() == version:
            return candidate
    return None


def create(base: str, sdk: str, more: list[str]) -> str:
    """The interpreter of an environment with the package and an SDK, which it asserts."""
    said = subprocess.run(
        [base, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], capture_output=True, text=True, check=True
    )
    pin, instrumentation = (f"=={OLDEST}", f"=={OLDEST_INSTRUMENTATION}") if sdk == "oldest" else ("", "")
    wanted = [
        f"opentelemetry-sdk{pin}",
        f"opentelemetry-proto{pin}",
        f"opentelemetry-distro{instrumentation}",
        # Old instrumentations read their entry points with it.
        *(["setuptools<80"] if sdk == "oldest" else []),
        *TESTS,
        *more,
    ]
    digest = hashlib.sha256(json.dumps([wanted, (HERE / "pyproject.toml").read_text()]).encode()).hexdigest()[:12]
    folder = CACHE / f"{said.stdout.strip()}-{sdk}-{digest}"
    python = str(folder / "bin" / "python")
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted, "-e", str(HERE)],
            check=True,
            env=ENVIRONMENT,
        )
        (folder / "complete").touch()
    installed = version_of_sdk(python)
    if (installed == OLDEST) != (sdk == "oldest"):
        raise SystemExit(f"The {sdk} SDK should be installed, but {installed} is.")
    return python


def version_of_sdk(python: str) -> str:
    code = "from importlib.metadata import version; print(version('opentelemetry-sdk'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
