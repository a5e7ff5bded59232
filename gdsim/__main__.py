"""`python -m gdsim`, the same as `gdsim`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if sys.path[0] == str(Path.cwd()):
        # Python puts the current folder there; its files must not be imported in place of installed packages.
        del sys.path[0]

    from gdsim.cli import main

    main()
