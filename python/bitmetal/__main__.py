"""``python -m bitmetal``: info, demo and bench."""

import argparse
import sys

import bitmetal as bm
from bitmetal import _core, bench


def info() -> int:
    """Print the devices and why each kind is or is not available."""
    print(f"bitmetal {bm.__version__}")
    for kind, available, reason in _core.availability():
        print(f"  {kind:<10} {'yes' if available else 'no ':<4} {reason}")
        if available:
            _print_capabilities(bm.device(kind))
    print(f"default device: {bm.device()}")
    return 0


def _print_capabilities(device: bm.Device) -> None:
    try:
        found = device.capabilities
    except bm.CompileError as error:
        print(f"{'':<18}{error}")
        return
    for name, value in found.items():
        if isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, list):
            text = " ".join(value)
        else:
            text = f"{value:,}"
        print(f"{'':<18}{name.replace('_', ' ')}: {text}")


def main() -> int:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bitmetal", description=bm.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="devices, and why each is or is not available")
    commands.add_parser("demo", help="a ternary network reads handwritten digits")
    bench.add_arguments(commands.add_parser("bench", help="time every operation beside its peers"))
    arguments = parser.parse_args()
    if arguments.command == "demo":
        from bitmetal import demo

        return demo.main([])
    if arguments.command == "bench":
        return bench.main(arguments)
    return info()


if __name__ == "__main__":
    sys.exit(main())
