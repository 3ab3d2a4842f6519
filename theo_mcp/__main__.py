"""``python -m theo_mcp``: the same as the command ``theo-mcp``."""

import sys

from theo_mcp.cli import main

sys.exit(main())
