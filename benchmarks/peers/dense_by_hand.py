"""An epoch of mlp2's network written by hand in one framework, without Keras: what the framework itself can do.

    PYTHON benchmarks/peers/dense_by_hand.py tensorflow|jax|torch --epochs 5

Needs that framework and NumPy only. 45,000 made-up images of 3072 float32 numbers, batches of 1000 gathered by row from
memory, dense layers 512, 256, 128 with dropout 0.3, 0.2, 0.1, cross-entropy, Adam. Prints the median seconds of an
epoch, the first one left out.
"""

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

WIDTHS = (3072, 512, 256, 128, 10)
DROPOUT = (0.3, 0.2, 0.1)
IMAGES, BATCH_SIZE, LEARNING_RATE = 45_000, 1000, 1e-3

Step = Callable[[np.ndarray], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", choices=("tensorflow", "jax", "torch"))
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    images = generator.standard_normal((IMAGES, WIDTHS[0]), dtype=np.float32)
    labels = generator.integers(0, WIDTHS[-1], IMAGES)
    shapes = list(itertools.pairwise(WIDTHS))
    weights = [generator.normal(0, (2 / a) ** 0.5, (a, b)).astype(np.float32) for a, b in shapes]
    build = {"tensorflow": with_tensorflow, "jax": with_jax, "torch": with_torch}[arguments.framework]
    step = build(images, labels, weights)
    seconds = []
    for _ in range(arguments.epochs + 1):
        rows = generator.permutation(IMAGES).reshape(-1, BATCH_SIZE)
        began = time.perf_counter()
        for batch in rows:
            loss = step(batch)
        float(loss)
        seconds.append(time.perf_counter() - began)
    fastest, slowest = min(seconds[1:]), max(seconds[1:])
    print(f"{arguments.framework}: {statistics.median(seconds[1:]):.2f} s an epoch ({fastest:.2f} to {slowest:.2f})")


def with_tensorflow(images: np.ndarray, labels: np.ndarray, weights: list[np.ndarray]) -> Step:
    import tensorflow as tf

    everything, classes = tf.constant(images), tf.constant(labels)
    kernels = [tf.Variable(weight) for weight in weights]
    biases = [tf.Variable(tf.zeros(weight.shape[1])) for weight in weights]
    variables = [*kernels, *biases]
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
    count = tf.Variable(0.0)

    @tf.function  # type: ignore[untyped-decorator]
    def step(rows: Any) -> Any:
        with tf.GradientTape() as tape:
            x = tf.gather(everything, rows)
            for kernel, bias, rate in zip(kernels, biases, (*DROPOUT, 0.0), strict=True):
                x = x @ kernel + bias
                x = tf.nn.dropout(tf.nn.relu(x), rate) if rate else x
            truth = tf.gather(classes, rows)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(truth, x))
        count.assign_add(1.0)
        for variable, (first, second), gradient in zip(variables, moments, tape.gradient(loss, variables), strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=0.9**count,
                beta2_power=0.999**count,
                lr=LEARNING_RATE,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=gradient,
            )
        return loss

    return lambda rows: step(tf.constant(rows))


def with_jax(images: np.ndarray, labels: np.ndarray, weights: list[np.ndarray]) -> Step:
    import jax
    import jax.numpy as jnp

    everything, classes = jnp.asarray(images), jnp.asarray(labels)
    layers = [(jnp.asarray(weight), jnp.zeros(weight.shape[1])) for weight in weights]
    zeros = jax.tree.map(jnp.zeros_like, layers)
    state = [(layers, zeros, zeros, 0.0, jax.random.key(0))]

    def loss_of(layers: Any, rows: Any, key: Any) -> Any:
        x = everything[rows]
        for (kernel, bias), rate in zip(layers, (*DROPOUT, 0.0), strict=True):
            x = x @ kernel + bias
            if rate:
                key, used = jax.random.split(key)
                x = jax.nn.relu(x) * jax.random.bernoulli(used, 1 - rate, x.shape) / (1 - rate)
        return -jnp.take_along_axis(jax.nn.log_softmax(x), classes[rows][:, None], axis=1).mean()

    @jax.jit  # type: ignore[untyped-decorator]
    def step(state: Any, rows: Any) -> Any:
        layers, first, second, count, key = state
        key, used = jax.random.split(key)
        loss, gradient = jax.value_and_grad(loss_of)(layers, rows, used)
        count += 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        layers = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), layers, first, second)
        return (layers, first, second, count, key), loss

    def call(rows: np.ndarray) -> object:
        state[0], loss = step(state[0], rows)
        return loss

    return call


def with_torch(images: np.ndarray, labels: np.ndarray, weights: list[np.ndarray]) -> Step:
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    everything, classes = torch.from_numpy(images), torch.from_numpy(labels)
    parts: list[nn.Module] = []
    for weight, rate in zip(weights, (*DROPOUT, 0.0), strict=True):
        layer = nn.Linear(*weight.shape)
        layer.weight.data = torch.from_numpy(weight.T.copy())
        parts += [layer, nn.ReLU(), nn.Dropout(rate)] if rate else [layer]
    model = nn.Sequential(*parts)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)

    def step(rows: np.ndarray) -> object:
        picked = torch.from_numpy(rows)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(everything[picked]), classes[picked])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


if __name__ == "__main__":
    main()
