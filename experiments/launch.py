"""Starts and ends every launcher: flags, one-line errors and exit codes."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from absl import flags, logging

from aejax import config as configs
from aejax import records
from aejax.errors import Interrupted, UserError
from aejax.keys import KEYS

RECIPE = "a recipe has a function get_config() that changes aejax.keys.base_config() and returns it"


def launch(main: Callable[..., int | None], positional: bool = False) -> None:
    """Parses the flags, runs `main` and exits: 0 done, 2 unusable input, 128 + n signal n, 1 anything else.

    If `positional`, `main` gets the positional arguments as a list. A number that it returns is the exit code.
    """
    module = sys.modules[main.__module__]
    try:
        if {"--help", "-h", "-help", "--helpfull", "--helpshort"} & set(sys.argv[1:]):
            print(f"{(module.__doc__ or '').strip()}\n\n{flags.FLAGS.module_help(module)}", flush=True)
            sys.exit(0)
        rest = parse_flags()
        if rest and not positional:
            raise UserError(f"unexpected argument {rest[0]!r}: every option is a flag, see --help")
        code = main(rest) if positional else main()
        sys.stdout.flush()
        sys.exit(code)
    except (UserError, flags.Error) as error:
        print("error: " + " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # the reader is gone, as after `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def given_workdir(workdir: str | None) -> Path:
    """The value of --workdir; raises UserError if it is missing."""
    if not workdir:
        raise UserError("--workdir is missing: name the run directory, as in --workdir=runs/vae")
    return Path(workdir)


def check_trained(workdir: Path) -> None:
    """Raises UserError if `workdir` holds neither a run nor shards of one; needs no jax."""
    if not list(workdir.glob("shards/*/config.json")):
        records.read_json(workdir / "config.json")


def parse_flags() -> list[str]:
    """Parses the command line; returns the positional arguments; raises UserError for errors in keys or the recipe."""
    for path in overridden_paths():
        if path not in KEYS:
            raise UserError(configs.unknown(path))
    logging.set_verbosity(logging.ERROR)  # below, what ml_collections warns about is an error
    try:
        rest = flags.FLAGS(sys.argv)[1:]
        if "config" in flags.FLAGS and (recipe := recipe_file()) is not None:
            config = flags.FLAGS["config"].value
            hasattr(config, "seed")  # config_flags reports a missing file only on first use
            if config is None:
                raise UserError(f"--config={recipe}: get_config() returned None: {RECIPE}")
            configs.check_types(config)
        return rest
    except UserError:
        raise
    except OSError as error:
        reason = str(error).rpartition("\n")[2].rpartition("load: ")[2].strip()
        recipes = ", ".join(sorted(str(path) for path in Path("configs").glob("[a-z]*.py") if path.stem != "base"))
        raise UserError(f"--config cannot be read ({reason}); recipes are {recipes or 'in configs/'}") from None
    except flags.Error as error:
        if "Error whilst parsing config file" not in str(error):
            raise
        raise UserError(f"--config={recipe_file()} fails ({str(error).strip().splitlines()[-1]}): {RECIPE}") from None
    except Exception as error:  # the recipe is the user's own Python
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = f"{type(error).__name__}{place}: {error}"
        raise UserError(f"--config={recipe_file()} fails ({reason}): {RECIPE}") from None


def recipe_file() -> str | None:
    """The file that --config names; None without the flag."""
    words = [word for argument in sys.argv[1:] for word in argument.split("=", 1)]
    return next((after for word, after in zip(words, words[1:], strict=False) if word.lstrip("-") == "config"), None)


def overridden_paths() -> list[str]:
    """The config paths that the command line sets."""
    settings = (re.match(r"--?(?:no)?config\.([^=]+)", argument) for argument in sys.argv[1:])
    return [setting[1] for setting in settings if setting]
