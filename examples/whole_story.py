"""The classroom exercise in plain Keras, without the laboratory: from CIFAR-10's pixels to numbers, read top to bottom.

python examples/whole_story.py DIR [EPOCHS]

DIR is `cifar-10-batches-py`, unpacked from https://www.cs.toronto.edu/~kriz/cifar.html. Network, split sizes and
schedule are those of `cifarlab train mlp2`; a test compares the two. It leaves `whole_story.png`.
"""

import hashlib
import math
import pickle
import sys
from pathlib import Path

import keras
import matplotlib
import numpy as np
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import train_test_split

matplotlib.use("Agg")  # draw into a file, not on a screen
import matplotlib.pyplot as plt

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
BATCH_SIZE = 1000
PEAK_LEARNING_RATE = 1e-3
WARMUP_EPOCHS = 5


# 1. Data. Six files of 10,000 pictures; the sixth is the test set, and is not looked at before the end.


def read_batch(folder, name):
    """Images `(10000, 32, 32, 3)` uint8 and labels `(10000,)`."""
    content = (Path(folder) / name).read_bytes()
    # A pickle may run any program when it is opened: open only what is known to be the published file.
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MD5[name]:
        raise SystemExit(f"{name} is not the published file: unpack cifar-10-python.tar.gz again")
    batch = pickle.loads(content, encoding="bytes")
    # A row is 1,024 red values, then green, then blue; Keras wants the channels last.
    images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.array(batch[b"labels"])


def load_cifar10(folder):
    """Training and test set, each images and labels."""
    parts = [read_batch(folder, f"data_batch_{number}") for number in range(1, 6)]
    train = tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return train, read_batch(folder, "test_batch")


# 2. The network: 3,072 numbers in, ten logits out. Normalisation is inside, so that it cannot be forgotten later.


def build_network():
    """The layers of `mlp2`, behind a mirror that works in training only."""
    network = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.RandomFlip("horizontal", seed=0)])
    network.add(keras.layers.Rescaling(1 / 127.5, offset=-1.0))  # 0..255 becomes -1..1
    network.add(keras.layers.Flatten())
    for units, dropout in ((512, 0.3), (256, 0.2), (128, 0.1)):
        network.add(keras.layers.Dense(units, kernel_initializer="he_normal"))
        network.add(keras.layers.Activation("relu"))
        network.add(keras.layers.Dropout(dropout))
    network.add(keras.layers.Dense(len(CLASSES)))
    return network


class WarmupThenCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A straight line up to the peak, then half a cosine down to zero, which it reaches after the last step."""

    def __init__(self, steps_per_epoch, epochs):
        self.warmup = min(WARMUP_EPOCHS, epochs) * steps_per_epoch
        self.total = epochs * steps_per_epoch

    def __call__(self, step):
        """The learning rate of a step, counted from 0."""
        step = keras.ops.cast(step, "float32")
        done = keras.ops.clip((step - self.warmup) / max(self.total - self.warmup, 1), 0.0, 1.0)
        fall = 0.5 * (1 + keras.ops.cos(math.pi * done))
        return PEAK_LEARNING_RATE * keras.ops.where(step < self.warmup, (step + 1) / self.warmup, fall)


# 3. Training. A tenth of every class is held out: it chooses the best epoch, so that the test set need not.


def train(images, labels, epochs, seed=0):
    """The network at its best epoch on validation, and the history."""
    keras.utils.set_random_seed(seed)
    held_out = train_test_split(images, labels, test_size=0.1, stratify=labels, random_state=0)
    train_images, validation_images, train_labels, validation_labels = held_out
    steps_per_epoch = math.ceil(len(train_images) / BATCH_SIZE)  # 45,000 images are 45 whole batches
    network = build_network()
    network.compile(
        keras.optimizers.Adam(WarmupThenCosine(steps_per_epoch, epochs)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    best = keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=epochs, restore_best_weights=True)
    settings = {"batch_size": BATCH_SIZE, "epochs": epochs, "callbacks": [best], "verbose": 2}
    validation = (validation_images, validation_labels)
    history = network.fit(train_images, train_labels, validation_data=validation, **settings)
    return network, history.history


# 4. Numbers: what the network says of pictures that it has never seen, nor anybody chose by.


def predict(network, images):
    """Probabilities `(N, 10)`: softmax of the logits."""
    return keras.ops.convert_to_numpy(keras.ops.softmax(network.predict(images, batch_size=1000, verbose=0)))


def draw_mistakes(path, images, labels, probabilities):
    """The thirty mistakes with the highest confidence."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:30]
    figure, axes = plt.subplots(5, 6, figsize=(12, 11))
    for axis in axes.flat:
        axis.axis("off")
    for axis, row in zip(axes.flat, surest, strict=False):
        axis.imshow(images[row])
        axis.set_title(f"{CLASSES[predicted[row]]}\nis {CLASSES[labels[row]]}", fontsize=10)
    figure.savefig(path, dpi=100)


def main(folder, epochs="100"):
    (images, labels), (test_images, test_labels) = load_cifar10(folder)
    network, history = train(images, labels, int(epochs))
    probabilities = predict(network, test_images)
    predicted = probabilities.argmax(axis=1)
    print(f"best validation accuracy {max(history['val_accuracy']):.1%}")
    print(f"test accuracy {(predicted == test_labels).mean():.1%}")
    print(classification_report(test_labels, predicted, target_names=CLASSES, digits=3))  # precision, recall, F1
    print(confusion_matrix(test_labels, predicted))  # rows are true classes, columns predicted ones
    draw_mistakes("whole_story.png", test_images, test_labels, probabilities)


if __name__ == "__main__":
    main(*sys.argv[1:])
