"""``python -m syft_web.cli``, for where the script is not on the path."""

import sys

from syft_web.cli import main

if __name__ == "__main__":
    sys.exit(main())
