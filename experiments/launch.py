"""Starts and ends every launcher: flags, one-line errors and exit codes."""

import errno
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from absl import flags, logging

from aejax import config as configs
from aejax import records
from aejax.errors import Interrupted, UserError, choose, closest, printable
from aejax.keys import KEYS


def launch(main: Callable[..., int | None], positional: bool = False) -> None:
    """Parses the flags, runs `main` and exits with the codes of docs/command-line.md.

    If `positional`, `main` gets the positional arguments as a list. A number that it returns is the exit code.
    """
    module = sys.modules[main.__module__]
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack Greek letters
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        if {"--help", "-h", "-help", "--helpfull", "--helpshort"} & set(sys.argv[1:]):
            print(f"{(module.__doc__ or '').strip()}\n\n{flags.FLAGS.module_help(module)}", flush=True)
            sys.exit(0)
        logging.set_verbosity(logging.FATAL)  # orbax logs errors that it raises, too
        rest = parse_flags()
        if rest and not positional:
            raise UserError(unknown(rest[0]))
        code = main(rest) if positional else main()
        sys.stdout.flush()
        sys.exit(code)
    except UserError as error:
        refuse(str(error), 2)
    except Interrupted as stop:
        print(printable(str(stop)), file=sys.stderr)
        sys.exit(128 + stop.number)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # the reader is gone, as after `... | head`
        drop_output()
        sys.exit(128 + signal.SIGPIPE)
    except MemoryError as error:
        refuse(f"the memory of this machine is exhausted: {error or 'no more can be had'}", 3)
    except OSError as error:
        drop_output()  # it may be what cannot be written
        refuse(refusal(error), 2 if error.errno == errno.ENAMETOOLONG else 3)


def refuse(message: str, code: int) -> NoReturn:
    """Ends with one line on stderr and an exit code."""
    print(printable(f"error: {' '.join(message.split())}"), file=sys.stderr, flush=True)
    if code == 3:  # threads of a failed save may never end, and print tracebacks while Python does
        os._exit(code)
    sys.exit(code)


def answer(text: str) -> None:
    """Prints to stdout: every line of a launcher goes through here, as those on stderr through `refuse` or `say`."""
    print(printable(text), flush=True)


def refusal(error: OSError) -> str:
    """The operating system's reason, and the path: the error's own, or what the command line names to write to."""
    given = (flags.FLAGS[name].value for name in ("output", "workdir") if name in flags.FLAGS)
    path = error.filename or next(filter(None, given), "") or "standard output"
    remedy = "; free some space and run the same command again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return f"{path}: {error.strerror or error}{remedy}"


def drop_output() -> None:
    """Lets what is still to be printed go nowhere: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):  # a test's stdout is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def given_workdir(workdir: str | None) -> Path:
    """The value of --workdir; raises UserError if it is missing."""
    if not workdir:
        raise UserError("--workdir is missing: name the run directory, as in --workdir=runs/vae")
    return Path(workdir)


def given_output(output: str, suffixes: Sequence[str]) -> Path:
    """The value of --output; raises UserError for a directory or another suffix."""
    path = Path(output)
    if path.suffix not in suffixes:
        raise UserError(f"--output={output}: write {', '.join(suffixes)}")
    if path.is_dir():
        raise UserError(f"--output={output} is a directory: name a file in it")
    return path


def check_trained(workdir: Path, output: Path | None = None) -> None:
    """Raises UserError if `workdir` holds neither a run nor shards of one, then makes the directory of the output."""
    if not list(workdir.glob("shards/*/config.json")):
        records.read_json(workdir / "config.json")
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)  # before the work, which may be long


def parse_flags() -> list[str]:
    """Parses the command line, except the keys of a config; returns the words that are no flags; raises UserError."""
    arguments = split(sys.argv[1:])[0] if "config" in flags.FLAGS else sys.argv[1:]
    try:
        return flags.FLAGS([sys.argv[0], *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        given = next(word for word in arguments if re.fullmatch(rf"--?{re.escape(error.flagname)}(=.*)?", word, re.S))
        raise UserError(unknown(given)) from None
    except flags.IllegalFlagValueError as error:
        name, value = re.match(r"flag --(\w+)=(.*?): ", str(error), re.S).groups()  # pyright: ignore
        flag = flags.FLAGS[name]
        if choices := getattr(flag.parser, "enum_values", None):
            choose(f"--{name}", value, choices)
        kind = flag.parser.syntactic_help or "True or False"
        raise UserError(f"--{name}={value}: expected {kind}, see --help") from None
    except flags.Error as error:
        raise UserError(str(error).replace("Missing value for flag", "the value is missing after")) from None


def split(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The arguments that set no key of a config, and {path: text} of the others; raises UserError for an unknown key.

    A key is set by --config.PATH=TEXT or --config.PATH TEXT; one that is True or False also by --config.PATH alone or
    by --noconfig.PATH.
    """
    others, settings, rest = [], {}, iter(arguments)
    for argument in rest:
        setting = re.fullmatch(r"--?(no)?config\.([^=]*)(?:=(.*))?", argument, re.S)
        if not setting:
            others.append(argument)
            continue
        no, path, text = setting.groups()
        if not path:
            raise UserError(f"{argument}: name a key, as in --config.train.epochs=3")
        if path not in KEYS:
            raise UserError(configs.unknown(path))
        if text is None and isinstance(KEYS[path].default, bool):
            text = str(not no)
        elif text is None and (text := next(rest, None)) is None:
            raise UserError(f"{argument} has no value: write {argument}=VALUE")
        settings[path] = text
    return others, settings


def unknown(given: str) -> str:
    """The message for a flag or a word that the launcher does not know; it says what may have been meant."""
    name, equals, value = given.lstrip("-").partition("=")
    name = name.replace("-", "_")
    what = f"{given} is not a flag" if given.startswith("-") else f"unexpected argument {given!r}"
    if not (equals or given.startswith("-")):
        return f"{what}: every option is a flag, see --help"
    own = [flag.name for flag in flags.FLAGS.get_flags_for_module(sys.argv[0])]
    key = configs.nearest(name.removeprefix("config."))
    is_last = key.rpartition(".")[2] == name.rpartition(".")[2]
    near = closest(name, own)
    if "config" not in own and name.startswith("config."):
        return f"{what} here: a run's config is set when it is trained"
    if "config" in own and key and (is_last or not near):
        return f"{what}; did you mean --config.{key}{equals}{value}?"
    return f"{what}; did you mean --{near}{equals}{value}?" if near else f"{what}: see --help"
