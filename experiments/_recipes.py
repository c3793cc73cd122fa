"""The recipes that --config names: finds one from any directory, loads it, and sets keys of it."""

from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path

from aejax import config as configs
from aejax.errors import UserError, closest
from aejax.keys import KEYS, Config

WHAT = "a recipe is a Python file with a function get_config() that changes aejax.keys.base_config() and returns it"


def folder() -> Path:
    """The folder of the recipes that come with aejax."""
    spec = find_spec("configs")
    return Path(spec.origin).parent if spec and spec.origin else Path("configs")


def names() -> list[str]:
    """The names of the recipes that come with aejax."""
    return sorted(path.stem for path in folder().glob("[a-z]*.py"))


def find(given: str) -> Path:
    """The file of a path, or of the name of a recipe; raises UserError that names the nearest recipe."""
    path, words = Path(given), given.replace("\\", "/").removesuffix(".py").split("/")
    try:
        if path.is_file():
            return path
        if path.is_dir():
            raise UserError(f"--config={given} is a directory: name a recipe, as in --config=configs/vae.py")
    except OSError as error:
        raise UserError(f"--config={given} cannot be read ({error.strerror})") from None
    name = words[-1]
    if name in names() and words[:-1] in ([], ["configs"]):
        return folder() / f"{name}.py"
    near = closest(name, names())
    hint = f"did you mean --config=configs/{near}.py?" if near else "name one, as in --config=configs/vae.py;"
    raise UserError(f"--config={given} is neither a file nor a recipe: {hint} --recipes lists all")


def load(given: str) -> Config:
    """The config of a recipe; raises UserError if the file is not one."""
    loader = SourceFileLoader("recipe", str(find(given)))
    spec = spec_from_loader("recipe", loader)
    assert spec is not None
    module = module_from_spec(spec)
    try:
        loader.exec_module(module)
        config = module.get_config()
    except UserError:
        raise
    except Exception as error:  # the recipe is the user's own Python
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = f"{type(error).__name__}{place}: {error}"
        if not hasattr(module, "get_config"):
            reason = "it has no get_config()" if isinstance(error, AttributeError) else reason
        raise UserError(f"--config={given} fails ({reason}): {WHAT}") from None
    if config is None:
        raise UserError(f"--config={given}: get_config() returned None: {WHAT}")
    configs.check_types(config)
    return config


def changed(config: Config, settings: dict[str, str]) -> Config:
    """A copy of a config with the settings of the command line, {path: text}; raises UserError for a wrong value."""
    if (name := settings.get("model.name")) in names() and not KEYS["model.name"].within.holds(name):
        raise UserError(f"model.name={name} is not a model but a recipe: --config=configs/{name}.py")
    return configs.replaced(
        config, {path: configs.parse(path, text, configs.read(config, path)) for path, text in settings.items()}
    )
