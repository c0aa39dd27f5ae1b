"""Gradients and attacks against a linear model, whose gradient can be written down; on every backend that is there."""

import pytest

from cifarlab.evaluation.robustness.attacks import Attack
from cifarlab.utils.errors import CifarlabError

PROGRAM = """
import numpy as np
import keras
from cifarlab.inference.gradients import loss_gradient
from cifarlab.inference.forward import compile_forward
from cifarlab.evaluation.robustness.attacks import Attack, attack

rng = np.random.default_rng(0)
pixels = keras.Input((6, 6, 3))
hidden = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
logits = keras.layers.Dense(4)(keras.layers.Dropout(0.5)(hidden))
model = keras.Model(pixels, logits)
weights = rng.normal(size=(108, 4)).astype(np.float32)
bias = rng.normal(size=4).astype(np.float32)
model.layers[-1].set_weights([weights, bias])
images = rng.integers(0, 256, (7, 6, 6, 3), dtype=np.uint8)
labels = rng.integers(0, 4, 7)

def losses(pictures):
    logits = pictures.reshape(len(pictures), -1) / 255 @ weights.astype(float) + bias
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), labels], logits

clean, logits = losses(images.astype(float))
chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
expected = (chances - np.eye(4)[labels]) @ weights.T.astype(float) / 255
tensor = loss_gradient(model)(images.astype(np.float32), labels.astype(np.int32))
found = keras.ops.convert_to_numpy(tensor)
assert found.dtype == np.float32
np.testing.assert_allclose(found.reshape(7, -1), expected, atol=1e-6)

for kind in ("fgsm", "pgd"):
    for norm, epsilon in (("linf", 4.0), ("l2", 30.0)):
        made = attack(model, images, labels, Attack(kind, norm, epsilon), batch_size=3)
        assert made.shape == images.shape and made.dtype == np.float32
        assert made.min() >= 0 and made.max() <= 255
        change = (made - images.astype(np.float32)).reshape(7, -1)
        size = np.abs(change).max(axis=1) if norm == "linf" else np.sqrt((change**2).sum(axis=1))
        assert size.max() <= epsilon * (1 + 1e-5), (kind, norm, size)
        after = losses(made.astype(float))[0]
        assert (after > clean).all()  # the loss of a linear model is convex
        again = attack(model, images, labels, Attack(kind, norm, epsilon), batch_size=3)
        np.testing.assert_array_equal(made, again)
        if (kind, norm) == ("fgsm", "linf"):
            straight = np.clip(images.reshape(7, -1) + 4.0 * np.sign(expected), 0, 255)
            np.testing.assert_allclose(made.reshape(7, -1), straight, atol=1e-4)
        if (kind, norm) == ("fgsm", "l2"):
            steps = 30 * expected / np.linalg.norm(expected, axis=1, keepdims=True)
            np.testing.assert_allclose(made.reshape(7, -1), np.clip(images.reshape(7, -1) + steps, 0, 255), atol=1e-3)
assert attack(model, images[:0], labels[:0], Attack("pgd", "l2", 1.0)).shape == (0, 6, 6, 3)
print(keras.backend.backend())
"""


def test_on_a_linear_model_all_agree_with_the_closed_form(run_on_backend):
    run_on_backend(PROGRAM)


def test_labels_for_people():
    assert Attack("fgsm", "linf", 8).label == "FGSM, L-inf, 8/255"
    assert Attack("pgd", "l2", 127.5, steps=20).label == "PGD-20, L2, 127.5/255"


@pytest.mark.parametrize("wrong", [("cw", "linf", 1), ("pgd", "l1", 1), ("pgd", "l2", 0), ("pgd", "l2", 1, 0)])
def test_what_is_no_attack_is_refused(wrong):
    with pytest.raises(CifarlabError, match="Received: Attack"):
        Attack(*wrong)
