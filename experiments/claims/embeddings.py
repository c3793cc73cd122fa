"""An embedding is the linear map of a one-hot vector, and a linear layer is one product with an augmented matrix."""

import jax
import jax.numpy as jnp
import numpy as np

from aejax import models
from aejax.data.types import Spec
from configs import capitals, linear
from experiments.claims import Row

LOOKUP = "lecture, slide Embeddings: one-hot encoded representations"
LAYER = "lecture, slide Linear layer"


def measure(fast: bool) -> list[Row]:
    del fast  # exact statements, a second either way
    spec = Spec((), "pairs", "real", 1.0, (), (), np.zeros(()), None, None, sizes=(202,))
    table = models.make(capitals.get_config().model, spec)
    params, _ = table.init(jax.random.key(0))
    x = jax.random.randint(jax.random.key(1), (1000,), 0, 202)
    one_hot = jax.nn.one_hot(x, 202)
    product = jnp.matmul(one_hot, params["table"], precision="highest")
    apart = jnp.linalg.norm(one_hot[:, None, :] - jnp.eye(202)[None], axis=-1)
    others = apart[apart > 0]
    code = table.encode(params, x)

    spec = spec._replace(shape=(8, 8, 1), kind="image", support="unit", mean=np.zeros((8, 8, 1)))
    layer = models.make(linear.get_config().model, spec)
    params, _ = layer.init(jax.random.key(2))
    rows = np.asarray(jax.random.uniform(jax.random.key(3), (1000, 8, 8, 1)))
    bias = np.asarray(jax.random.normal(jax.random.key(4), (10,)))
    encoder = {"kernel": np.asarray(params["encoder"]["Dense_0"]["kernel"]), "bias": bias}
    z = layer.encode({**params, "encoder": {"Dense_0": encoder}}, jax.numpy.asarray(rows))
    augmented = np.vstack([encoder["kernel"], bias]).T.astype(np.float64)  # V = [W b], k x (D + 1)
    with_one = np.vstack([rows.reshape(1000, 64).T, np.ones(1000)])  # [x 1]ᵀ, (D + 1) x N
    return [
        Row("codes that differ between one-hot @ W and the lookup of W's rows", 0, (product != code).sum(), 0, LOOKUP),
        Row("distance of any two different one-hot vectors: least", np.sqrt(2), others.min(), 1e-6, LOOKUP),
        Row("distance of any two different one-hot vectors: largest", np.sqrt(2), others.max(), 1e-6, LOOKUP),
        Row("[W b]·[x 1]ᵀ against W x + b: largest difference", 0, abs(augmented @ with_one - z.T).max(), 1e-5, LAYER),
    ]
