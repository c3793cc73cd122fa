"""An unusable recipe of a user ends with exit code 2 and one line."""

import pytest

from tests.conftest import assert_words

RECIPES = {  # the body of get_config(), or the whole file, and what the line must say
    "whole file: def get_config(:": ["SyntaxError, line 1"],
    "whole file: x = 1": ["it has no get_config()", "a recipe is a Python file with a function get_config()"],
    "return {'seed': 0}": ["the config is a dict", "aejax.keys.base_config()"],
    "return None": ["get_config() returned None"],
    "return 1 / 0": ["ZeroDivisionError"],
    "config.model.latent_dim = 2.5": ["2.5", "latent_dim", "int"],
    "config.objective.beta = numpy.float32(4.0)": ["4.0", "beta", "numpy.float32"],
    "config.objective = ConfigDict({**config.objective, 'beta': 4})": ["objective.beta=4 is", "int", "float", "1.0"],
    "config.model.name = None": ["model.name=None", "'vae'"],
    "config.model.latnt_dim = 3": ["'model.latnt_dim'", "did you mean 'model.latent_dim'?"],
    "del config.model.hidden": ["config lacks model.hidden"],
    "config.data.path = 'my.npy'": ["data.path has no effect", "data.name=arrays"],
}


@pytest.mark.parametrize("body", RECIPES)
def test_a_recipe_that_cannot_be_used_is_one_line(body, refused, tmp_path):
    text = "import numpy\nfrom ml_collections import ConfigDict\nfrom aejax.keys import base_config\n\n\n"
    text += f"def get_config():\n    config = base_config()\n    {body}\n    return config\n"
    (tmp_path / "mine.py").write_text(body.removeprefix("whole file: ") if body.startswith("whole") else text)
    assert_words(refused("train", ["--config=TMP/mine.py", "--workdir=TMP/run"]), RECIPES[body])
