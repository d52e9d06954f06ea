"""Prints FILE:LINE:COL: error: TEXT for every fault; the exit status is 1 when there is one."""

import argparse
import sys
from pathlib import Path

if not __package__:  # python tools/msl_check FILE
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from msl_check import check


def main(arguments: list[str] | None = None) -> int:
    """Check the files named on the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="msl_check", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("-I", dest="include", action="append", type=Path, default=[], metavar="DIR")
    parser.add_argument("-D", dest="define", action="append", default=[], metavar="NAME[=VALUE]")
    options = parser.parse_args(arguments)

    faulty = False
    for file in options.files:
        for finding in check(file, include=options.include, define=options.define):
            faulty = True
            print(finding)
    return int(faulty)


if __name__ == "__main__":
    sys.exit(main())
