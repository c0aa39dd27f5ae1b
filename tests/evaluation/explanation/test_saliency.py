"""Grad-CAM and saliency against a closed form, on every backend that is there."""

import numpy as np

from cifarlab.evaluation.explanation.saliency import enlarge

PROGRAM = """
import keras
import numpy as np
from cifarlab.evaluation.explanation.saliency import GRAD_CAM, INPUT_GRADIENT, enlarge
from cifarlab.evaluation.explanation.saliency import grad_cam_maps, make_explainer, split_model
from cifarlab.evaluation.explanation.neighbours import feature_model
from cifarlab.inference.prediction import compute_logits

rng = np.random.default_rng(0)
# One 3x3 convolution without padding, the mean over all places, a linear layer: the gradient of a class's logit
# with respect to map d is W[d, class] / (h * w) everywhere.
pixels = keras.Input((6, 6, 3))
scaled = keras.layers.Rescaling(1 / 255)(pixels)
maps = keras.layers.Conv2D(5, 3, name="maps")(scaled)
pooled = keras.layers.GlobalAveragePooling2D()(maps)
model = keras.Model(pixels, keras.layers.Dense(4, name="logits")(pooled))
kernel, bias = rng.normal(size=(3, 3, 3, 5)).astype("float32"), rng.normal(size=5).astype("float32")
weights, offset = rng.normal(size=(5, 4)).astype("float32"), rng.normal(size=4).astype("float32")
model.get_layer("maps").set_weights([kernel, bias])
model.get_layer("logits").set_weights([weights, offset])
image = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)

windows = np.lib.stride_tricks.sliding_window_view(image / 255, (3, 3), axis=(0, 1))  # (4, 4, 3, 3, 3)
activations = np.einsum("abcij,ijcd->abd", windows, kernel.astype(float)) + bias  # (4, 4, 5)
found = grad_cam_maps(*split_model(model))(image, [1, 3])
assert found.shape == (2, 4, 4) and found.dtype == np.float32
for heat, label in zip(found, (1, 3)):
    expected = np.maximum((activations * weights[:, label].astype(float) / 16).sum(axis=-1), 0)
    np.testing.assert_allclose(heat, expected, atol=1e-5)
    assert expected.max() > 0

told = make_explainer(model)(image, [1, 3])
assert [each.method for each in told] == [GRAD_CAM, GRAD_CAM] and [each.label for each in told] == [1, 3]
assert all(each.heat.shape == (6, 6) and each.places == (4, 4) for each in told)
np.testing.assert_allclose(told[0].heat, enlarge(found[0], (6, 6)) / enlarge(found[0], (6, 6)).max(), atol=1e-6)

# Kept for many images, it says the same.
kept = make_explainer(model)
for again in (kept(image, [1, 3]), kept(image, [1, 3])):
    np.testing.assert_array_equal([each.heat for each in again], [each.heat for each in told])

features = compute_logits(feature_model(model), image[None])
np.testing.assert_allclose(features[0], activations.mean(axis=(0, 1)), atol=1e-5)

# A dense network: the gradient of a logit is the column of the weights.
pixels = keras.Input((6, 6, 3))
flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
dense = keras.Model(pixels, keras.layers.Dense(4, name="answers")(flat))
columns = rng.normal(size=(108, 4)).astype("float32")
dense.layers[-1].set_weights([columns, offset])
assert split_model(dense) is None
assert feature_model(dense) is None
(only,) = make_explainer(dense)(image, [2])
expected = np.abs(columns[:, 2].reshape(6, 6, 3)).max(axis=-1)
np.testing.assert_allclose(only.heat, expected / expected.max(), atol=1e-6)
assert only.method == INPUT_GRADIENT

# Nothing speaks for the class: no heat, no division by 0.
model.get_layer("logits").set_weights([np.zeros((5, 4), "float32"), offset])
assert make_explainer(model)(image, [0])[0].heat.max() == 0
print(keras.backend.backend())
"""


def test_on_a_linear_model_both_agree_with_the_closed_form(run_on_backend):
    run_on_backend(PROGRAM)


def test_a_map_is_enlarged_between_the_centres_of_its_places():
    heat = np.array([[0.0, 1.0]], np.float32)
    np.testing.assert_allclose(enlarge(heat, (1, 4)), [[0, 0.25, 0.75, 1]], atol=1e-6)
    np.testing.assert_array_equal(enlarge(heat, (1, 2)), heat)
