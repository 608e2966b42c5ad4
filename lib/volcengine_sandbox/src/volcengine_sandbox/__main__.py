"""`python -m volcengine_sandbox` is the command `volcengine-sandbox`."""

import sys

from volcengine_sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
