"""Completes commands, flags, recipes, keys and values of `aejax` when Tab is pressed.

    source <(aejax completion --shell=bash)   # in ~/.bashrc
    source <(aejax completion --shell=zsh)    # in ~/.zshrc, after compinit
    python -m experiments.completion --shell=bash   # prints the script

What follows --config=, --config.KEY= and --sweep KEY= is completed too; all else after = is the name of a file.
"""

from collections.abc import Iterable
from importlib import import_module

from absl import flags

from aejax.__main__ import launchers
from aejax.errors import UserError
from aejax.keys import KEYS
from experiments import _recipes as recipes
from experiments.launch import answer, launch

SHELL = flags.DEFINE_enum("shell", None, ["bash", "zsh"], "print the script of this shell")
LINE = flags.DEFINE_string("line", None, "print what may stand in place of the last word of this line")

# bash completes what follows the last = or : of a word, because these characters end words for it.
SCRIPTS = {
    "bash": r"""_aejax() {
  local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
  local word=${line##* }
  local known=${word%"${word##*[=:]}"}
  COMPREPLY=($(aejax completion --line="$line" 2>/dev/null))
  COMPREPLY=("${COMPREPLY[@]#"$known"}")
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _aejax aejax""",
    "zsh": r"""_aejax() {
  local -a found=("${(@f)$(aejax completion --line="${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
  local -a open=(${(M)found:#*=}) whole=(${found:#*=})
  if [[ -z ${found[1]} ]]; then
    [[ $PREFIX == *=* ]] && compset -P '*='
    _files
    return
  fi
  (( $#open )) && compadd -S '' -- $open
  (( $#whole )) && compadd -- $whole
}
compdef _aejax aejax""",
}


def main() -> None:
    if LINE.value is not None:
        for word in candidates(LINE.value):
            answer(word)
    elif SHELL.value:
        answer(SCRIPTS[SHELL.value])
    else:
        raise UserError("--shell is missing: --shell=bash or --shell=zsh prints a script, for ~/.bashrc or ~/.zshrc")


def candidates(line: str) -> list[str]:
    """The words that may stand in place of the last word of a line, which may be empty; [] for the name of a file."""
    *before, word = line.split(" ")
    names = launchers()
    if len(before) < 2:
        return beginning(word, names)
    if before[1] not in names:
        return []
    import_module(f"experiments.{before[1]}")
    own = {flag.name: flag for flag in flags.FLAGS.get_flags_for_module(f"experiments.{before[1]}")}
    last = before[-1].lstrip("-")
    if last in own and not own[last].boolean and before[-1].startswith("-"):  # --sweep KEY=, --config NAME
        return beginning(word, values(last, own, word))
    name, equals, value = word.lstrip("-").partition("=")
    if equals:
        start = word[: len(word) - len(value)]
        return [start + found for found in beginning(value, values(name, own, value))]
    words = [f"--{name}" if flag.boolean else f"--{name}=" for name, flag in own.items()]
    words += [f"--config.{path}=" for path in KEYS] if "config" in own and word.startswith("--config.") else []
    return beginning(word, words)


def values(name: str, own: dict[str, flags.Flag], given: str) -> list[str]:
    """The values of a flag or key that can be listed; `given` is the value so far."""
    if name.startswith("config."):
        return choices(name.removeprefix("config."))
    if name == "config":
        return recipes.names()
    if name == "sweep":
        path, equals, value = given.partition("=")
        start = f"{path}={value[: value.rfind(',') + 1]}"
        return [start + choice for choice in choices(path)] if equals else [f"{path}=" for path in KEYS]
    return list(getattr(own[name].parser, "enum_values", [])) if name in own else []


def choices(path: str) -> list[str]:
    """The values of a key that can be listed."""
    if path not in KEYS:
        return []
    known = KEYS[path].within.choices
    return list(known()) if known else ["True", "False"] * isinstance(KEYS[path].default, bool)


def beginning(word: str, words: Iterable[str]) -> list[str]:
    """The words that begin with this one."""
    return [each for each in words if each.startswith(word)]


if __name__ == "__main__":
    launch(main)
