"""Write `actions.json`, the catalogue of actions, from the typed packages of the Volcengine SDK.

    uv run --no-project --with pip python lib/volcengine_policy/generate_catalogue.py            the newest SDK
    uv run --no-project --with pip python lib/volcengine_policy/generate_catalogue.py --check    is the file current?

`volcengine-python-sdk` is an empty package that pins one typed package for each service. Their wheels are downloaded
and read as text: nothing of them is installed or run. The version in the file makes a check repeatable.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZipFile

FILE = Path(__file__).parent / "src" / "volcengine_policy" / "data" / "actions.json"
WHOLE = "volcengine-python-sdk"
COMMAND = "uv run --no-project --with pip python lib/volcengine_policy/generate_catalogue.py"

API = re.compile(r"[^/]+/api/\w+_api\.py")
CALL = re.compile(r"""['"]/(?P<action>\w+)/[\w-]+/(?P<service>\w+)/[\w/-]*['"]""")
"""How a typed package names what it calls: `/RunInstances/2020-04-01/ecs/get/text_plain/`."""
PART = re.compile(r"^Requires-Dist: (volcenginesdk-(?!core\b)\w+==[\w.]+)", re.MULTILINE)


def main() -> int:
    """Write the file, or compare it; 1 when it is not current."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare the file with the SDK version that it names")
    options = parser.parse_args()
    present = FILE.read_text(encoding="utf-8") if FILE.exists() else "{}"
    wanted = json.loads(present)["source"] if options.check else WHOLE
    with tempfile.TemporaryDirectory() as folder:
        text = catalogue(wanted, Path(folder))
    if not options.check:
        FILE.write_text(text, encoding="utf-8")
    elif text != present:
        sys.stderr.write(f"{FILE.name} is not what {wanted} says; run `{COMMAND}`.\n")
        return 1
    services = json.loads(text)["services"]
    sys.stdout.write(f"{FILE.name}: {len(services)} services, {sum(map(len, services.values()))} actions\n")
    return 0


def catalogue(whole: str, folder: Path) -> str:
    """The text of the file, a service a line, for a version of the SDK or the newest."""
    (package,) = download([whole], folder)
    with ZipFile(package) as wheel:
        metadata = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        parts = PART.findall(wheel.read(metadata).decode())
    version = package.name.split("-")[1]
    services: dict[str, set[str]] = {}
    for part in download(parts, folder / "parts"):
        for service, action in calls(part):
            services.setdefault(service, set()).add(action)
    lines = (f"{json.dumps(service)}: {json.dumps(sorted(services[service]))}" for service in sorted(services))
    return f'{{"source": "{WHOLE}=={version}", "services": {{\n' + ",\n".join(lines) + "\n}}\n"


def download(packages: Iterable[str], folder: Path) -> list[Path]:
    """The wheels of packages, without what they depend on. Ends the program when they cannot be had."""
    options = ("--no-deps", "--only-binary", ":all:", "--dest", str(folder))
    command = [sys.executable, "-m", "pip", "download", *options, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - arguments of our own
    if done.returncode:
        sys.exit(done.stderr)
    return sorted(folder.glob("*.whl"))


def calls(package: Path) -> Iterator[tuple[str, str]]:
    """Service and action of each call that a typed package makes."""
    with ZipFile(package) as wheel:
        for name in wheel.namelist():
            if API.fullmatch(name):
                for call in CALL.finditer(wheel.read(name).decode()):
                    yield call["service"], call["action"]


if __name__ == "__main__":
    sys.exit(main())
