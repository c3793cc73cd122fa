"""Two tables of unit vectors, u for items and v for contexts, whose cosine tells true pairs from random ones.

Regression: (uᵀv − t)² with t = 1 for a pair and −1 for a negative. Classification: −log σ(s uᵀv + b) for a pair and
−log σ(−s uᵀv − b) for a negative, in nats, with s > 0 and b learned; s grows as the pairs are memorized. Koehrsen uses
both for books and links ("Building a Recommendation System Using Neural Network Embeddings", 2018). On words and their
neighbors, classification is skip-gram with negative sampling on unit vectors (Mikolov et al. 2013, arXiv 1310.4546,
eq. 4).

Every step draws its negatives. "uniform" pairs any item with any context, as Koehrsen does. "shuffled" pairs the items
and contexts of the batch at random; then frequency alone does not make a pair likely, and the log-odds tend to the
pointwise mutual information (Levy & Goldberg 2014). A negative can be a true pair; this is rare if pairs are rare.

The weight of a pair is (count of its context in training)^γ, as in GloVe (Pennington et al. 2014, eq. 8): rare contexts
are mostly noise. γ is `objective.frequency_weight`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.types import Autoencoder, Layer, Layers

START = 0.03  # initial sd of the tables: small compared with Adam's steps, so the data soon decide a row's direction


def make(config: Any, spec: Spec) -> Autoencoder:
    """The embedding of items in `latent_dim` dimensions; accuracy and AUC compare pairs with the drawn negatives."""
    classify = config.target == "classification"
    uniform = config.negatives == "uniform"

    def init(key: Array):
        tables = {
            name: START * jax.random.normal(table_key, (size, config.latent_dim))
            for name, size, table_key in zip(("items", "contexts"), spec.sizes, jax.random.split(key), strict=True)
        }
        return tables | ({"log_scale": jnp.float32(0.0), "bias": jnp.float32(0.0)} if classify else {}), ()

    def encode(params, x):
        return unit(params["items"][x])

    def draw(key: Array, item: Int[Array, " B"], context: Int[Array, " B"]):
        keys, num = jax.random.split(key), len(item) * config.negative_ratio
        if uniform:
            return [jax.random.randint(k, (num,), 0, size) for k, size in zip(keys, spec.sizes, strict=True)]
        return [
            rows[jax.random.randint(k, (num,), 0, len(rows))] for k, rows in zip(keys, (item, context), strict=True)
        ]

    def loss(params, stats, key, batch, *, frequency_weight):
        item, context = batch["item"], batch["context"]
        other_item, other_context = draw(key, item, context)
        u = encode(params, jnp.concatenate([item, other_item]))
        v = unit(params["contexts"][jnp.concatenate([context, other_context])])
        cosine = (u * v).sum(axis=-1)
        is_pair = (jnp.arange(len(cosine)) < len(item)).astype(jnp.float32)
        if classify:
            logits = jnp.exp(params["log_scale"]) * cosine + params["bias"]
            values = -losses.bernoulli_log_likelihood(is_pair[:, None], logits[:, None])
        else:
            logits = cosine
            values = jnp.square(cosine - (2.0 * is_pair - 1.0))
        weights = batch["count"] ** frequency_weight
        weights = jnp.concatenate([weights / weights.mean(), jnp.ones(len(other_item))])
        metrics = {
            "accuracy": ((logits > 0.0) == (is_pair > 0.0)).astype(jnp.float32).mean(),
            "auc": auc(cosine[: len(item)], cosine[len(item) :]),
        }
        return (weights * values).mean(), (metrics, stats)

    def layers(params):
        return Layers((Layer("table", {"table": unit(params["items"])}, "identity", (config.latent_dim,)),))

    return Autoencoder(init=init, loss=loss, encode=encode, layers=layers, columns=("item", "context", "count"))


def unit(rows: Float[Array, "B k"]) -> Float[Array, "B k"]:
    """Rows [B, k] scaled to length 1."""
    return rows / jnp.sqrt(jnp.square(rows).sum(axis=-1, keepdims=True) + 1e-12)


def auc(positive: Float[Array, " P"], negative: Float[Array, " N"]) -> Float[Array, ""]:
    """The fraction of (positive, negative) scores in the right order, ties as half: the area under the ROC curve.

    Exact for the given scores, such as those of one batch. Source: Hanley & McNeil 1982.
    """
    ordered = jnp.sort(negative)
    below, not_above = (jnp.searchsorted(ordered, positive, side=side) for side in ("left", "right"))
    return ((below + not_above) / (2.0 * len(negative))).mean()
