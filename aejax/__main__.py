"""The launchers of experiments/ under one name: `aejax train ...` is `python -m experiments.train ...`."""

import ast
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from aejax.errors import UserError, choose, printable


def launchers() -> dict[str, Path]:
    """The file of each command, by name."""
    spec = find_spec("experiments")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    return {path.stem: path for path in sorted(folder.glob("[a-z]*.py")) if path.stem != "launch"}


def main() -> int:
    """Runs the command that the first argument names, or lists all. Returns 0, or 2 for an unknown command."""
    commands = launchers()
    if len(sys.argv) < 2 or sys.argv[1] in ("--help", "-h", "-help", "help"):
        print("aejax COMMAND [--FLAG=VALUE ...]; aejax COMMAND --help lists its flags\n")
        for name, path in commands.items():
            page = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            print(f"  {name:14}{page.partition(chr(10))[0]}")
        return 0
    try:
        name = choose("command", sys.argv[1], commands)
    except UserError as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return 2
    sys.argv = [f"aejax {name}", *sys.argv[2:]]
    runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
