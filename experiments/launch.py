"""How every launcher starts and ends: flags, one-line errors and the exit codes of the contract."""

import os
import signal
import sys
from collections.abc import Callable

from absl import flags

from aejax.errors import UserError


class Interrupted(Exception):
    """A signal ended the run after its state was saved: exit code 128 + signal number."""

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.number = number


def launch(main: Callable[[], None], arguments: list[str] | None = None) -> None:
    """Parses the flags, runs `main` and exits: 0 done, 2 the user's input, 128 + n a signal, 1 anything else."""
    arguments = sys.argv[1:] if arguments is None else arguments
    module = sys.modules[main.__module__]
    if {"--help", "-h", "--helpfull"} & set(arguments):
        print(f"{(module.__doc__ or '').strip()}\n")
        print(flags.FLAGS.module_help(module))
        sys.exit(0)
    try:
        rest = flags.FLAGS([sys.argv[0], *arguments])[1:]
        if rest:
            raise UserError(f"unexpected argument {rest[0]!r}: every option is a flag, see --help")
        main()
    except (UserError, flags.Error) as error:
        fail(str(error))
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # `... | head`: the reader has gone, and so have its complaints
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def fail(message: str) -> None:
    """Prints one line and exits with 2."""
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
