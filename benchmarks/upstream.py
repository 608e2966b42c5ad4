"""The sandbox as a process of its own that also serves TLS and tells how many connections it has accepted.

Prints `NAME=value` lines and an empty line, then answers each line on stdin with the count so far.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from volcengine_sandbox import Sandbox


def main() -> None:
    """Serve until stdin closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls", type=Path, metavar="DIRECTORY", help="serve TLS with the cert.pem and key.pem in it")
    directory: Path | None = parser.parse_args().tls
    tls = (str(directory / "cert.pem"), str(directory / "key.pem")) if directory else None
    with Sandbox(tls=tls) as sandbox:
        print(f"VOLCENGINE_ENDPOINT={sandbox.endpoint}")
        print(f"VOLCENGINE_ACCESS_KEY={sandbox.administrator.access_key}")
        print(f"VOLCENGINE_SECRET_KEY={sandbox.administrator.secret_key}")
        if directory:
            print(f"VOLCENGINE_CA_BUNDLE={directory / 'cert.pem'}")
        print(flush=True)
        for _ in sys.stdin:
            print(sandbox.connections, flush=True)


if __name__ == "__main__":
    main()
