"""`python -m gdsim`, the same as `gdsim`."""

from gdsim.cli import main

if __name__ == "__main__":
    main()
