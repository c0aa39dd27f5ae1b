# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # CIFAR-10 image classification with dense networks
#
# Sixty thousand pictures of 32 × 32 pixels, ten classes, three fully connected networks: look at the data, train,
# measure honestly, and look at what went wrong. Everything here is also one command each: `cifarlab explore`, `train`,
# `evaluate`, `compare`, `tune`, `report`, `predict`.
#
# Run it from top to bottom. The trainings here are short, so that the whole takes a few minutes on two cores: set
# `EPOCHS` to 100 or more for the accuracies in the README.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cifarlab as cl

DATA = os.environ.get("CIFARLAB_NOTEBOOK_DATA", "cifar10")
EPOCHS = int(os.environ.get("CIFARLAB_NOTEBOOK_EPOCHS", "15"))
RUNS = Path(tempfile.mkdtemp()) / "runs"

# %% [markdown]
# ## 1. The data
#
# `load_data` finds CIFAR-10 (a folder that you name, `$CIFARLAB_DATA`, Keras's cache, or a download), checks every file
# against its published checksum, and splits off a validation part with the same share of each class. Whatever we choose
# later (when to stop, which network) we choose on *validation*; the test images are read once, at the end.

# %%
splits = cl.load_data(DATA)
for name in ("train", "validation", "test"):
    part = splits[name]
    print(f"{name:10}  images {part.images.shape} {part.images.dtype}  labels {part.labels.shape} {part.labels.dtype}")
print("classes:", ", ".join(splits.class_names))

# %% [markdown]
# ### How many of each class?

# %%
fig, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
places = np.arange(len(splits.class_names))
bottom = np.zeros(len(places))
for name, colour in zip(("train", "validation", "test"), ("#0072b2", "#56b4e9", "#e69f00"), strict=True):
    counts = np.bincount(splits[name].labels, minlength=len(places))
    axes.bar(places, counts, bottom=bottom, label=name, color=colour)
    bottom += counts
axes.set_xticks(places, splits.class_names, rotation=30, ha="right")
axes.set_ylabel("images")
axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
plt.show()

# %% [markdown]
# ### What do they look like?

# %%
fig, grid = plt.subplots(len(splits.class_names), 10, figsize=(7, 7.2), layout="constrained")
for label, row in enumerate(grid):
    for picture, cell in zip(splits.train.images[splits.train.labels == label], row, strict=False):
        cell.imshow(picture)
        cell.set_xticks([])
        cell.set_yticks([])
        cell.spines[:].set_visible(False)
    row[0].set_ylabel(splits.class_names[label], rotation=0, ha="right", va="center")
plt.show()

# %% [markdown]
# ### Colour statistics, and the average picture of each class
#
# The average deer stands on green and brown, the average ship on blue: a dense network will use that, and be
# fooled by it.

# %%
pixels = splits.train.images.reshape(-1, splits.train.images.shape[-1]).astype(np.float64) / 255
print("mean per channel:              ", pixels.mean(axis=0).round(4))
print("standard deviation per channel:", pixels.std(axis=0).round(4))
fig, row = plt.subplots(1, len(splits.class_names), figsize=(9, 1.3), layout="constrained")
for label, cell in enumerate(row):
    cell.imshow(splits.train.images[splits.train.labels == label].mean(axis=0).astype(np.uint8))
    cell.set_title(splits.class_names[label], fontsize=8)
    cell.axis("off")
plt.show()

# %% [markdown]
# `cifarlab explore` goes further: brightness and contrast, duplicates within and between the splits, and a map of the
# pictures.
#
# ## 2. Three dense networks
#
# | recipe | what it is |
# |---|---|
# | `mlp1` | a plain feed-forward network |
# | `mlp2` | wider, with dropout |
# | `mlp3` | deeper, with more dropout layers |

# %%
for name in ("mlp1", "mlp2", "mlp3"):
    recipe = cl.load_recipe(name)
    print(name, dict(recipe.model_args), f"{recipe.epochs} epochs of batches of {recipe.batch_size}")

# %% [markdown]
# `settings` are what `--set` is on the command line. The digits that stand in where there is no CIFAR-10 are few, so
# they get smaller batches.

# %%
settings = [f"epochs={EPOCHS}", "warmup_epochs=1"] + (["batch_size=50"] if DATA == "digits" else [])
runs = {name: cl.train(name, settings=settings, data=DATA, runs_dir=RUNS) for name in ("mlp1", "mlp2", "mlp3")}
for name, run in runs.items():
    last = run.history()[-1]
    print(
        f"{name}  validation accuracy {last['validation_accuracy']:.1%}  training accuracy {last['train_accuracy']:.1%}"
    )

# %% [markdown]
# ### Follow the training
#
# While a training runs, and after it, `tensorboard --logdir runs` shows curves, weight histograms, sample predictions
# and the confusion matrix of validation. Here are the curves:

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for (name, run), colour in zip(runs.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
    history = run.history()
    epochs = [row["epoch"] for row in history]
    for axes, what in ((left, "loss"), (right, "accuracy")):
        axes.plot(epochs, [row[f"train_{what}"] for row in history], ":", color=colour)
        axes.plot(epochs, [row[f"validation_{what}"] for row in history], color=colour, label=name)
        axes.set(xlabel="epoch", ylabel=what)
left.legend(frameon=False, title="solid: validation, dotted: training")
plt.show()

# %% [markdown]
# Read the gap between dotted and solid: where training goes on improving and validation does not, the network overfits.
# Dropout closes that gap, and asks for more epochs in return: in a short training the plain
# `mlp1` is still ahead, in a full one it falls behind. (Training is measured with dropout switched on, validation
# without: that is why the dotted lines of `mlp2` and `mlp3` can be the worse ones.)
#
# ## 3. Evaluate on the test images
#
# Every number comes with its 95 % interval: other test images of the same kind would have given another number, mostly
# within that interval.

# %%
scores = {name: cl.evaluate(run) for name, run in runs.items()}
for name, result in scores.items():
    accuracy, loss = result.scores["accuracy"], result.scores["negative_log_likelihood"]
    f1 = result.scores["macro_f1"]
    print(
        f"{name}  accuracy {accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%})  "
        f"loss {loss.value:.3f}  macro F1 {f1.value:.3f} ({f1.low:.3f} to {f1.high:.3f})"
    )

# %% [markdown]
# ### Is one really better than another?
#
# Both saw the same test images, so we count those that exactly one of them classifies correctly (exact McNemar test).

# %%
for pair in cl.compare(list(runs.values())).pairs:
    print(pair.sentence)

# %% [markdown]
# ### Precision, recall and F1 of each class

# %%
best = max(runs, key=lambda name: max(row["validation_accuracy"] for row in runs[name].history()))
print(best)
print(f"{'class':12} precision  recall     F1")
for row in scores[best].per_class:
    numbers = [score.value for score in (row.precision, row.recall, row.f1)]
    print(f"{row.class_name:12} " + "      ".join("  - " if n is None else f"{n:.3f}" for n in numbers))

# %% [markdown]
# ### The confusion matrix
#
# Rows are what the pictures show, columns what the network said.

# %%
from cifarlab.plots.confusion_matrix import plot_confusion_matrix

plot_confusion_matrix(scores[best].confusion_matrix, splits.class_names)

# %% [markdown]
# ## 4. What went wrong
#
# The mistakes with the highest confidence. Look at each: which ones could you have told, and from what?

# %%
from cifarlab.plots.image_grid import plot_image_grid

predictions = cl.Predictions.load(runs[best].predictions_file("test"))
certain = predictions.probabilities.max(axis=1)
wrong = np.flatnonzero(predictions.predicted != predictions.labels)
worst = wrong[np.argsort(-certain[wrong])][:24]
names = predictions.class_names
captions = [f"{names[predictions.predicted[i]]} {certain[i]:.0%}\nis {names[predictions.labels[i]]}" for i in worst]
plot_image_grid(splits.test.images[worst], captions, right=[False] * len(worst))

# %% [markdown]
# ## 5. Hyperparameter tuning
#
# Which learning rate, how wide, how much dropout? `cl.tune` tries settings for one epoch each, trains the best three to
# the end, and then asks what most searches leave out: is the best one *really* better, or only the luckiest of many?
# For that it sets aside training images that no trial sees, and trains the winners and `mlp2` as shipped anew, with
# fresh seeds. The test images stay untouched.
#
# Here it searches on the handwritten digits that come with scikit-learn, so that it takes a minute or two; for CIFAR-10
# leave out `fixed`. It needs `pip install 'cifarlab[search]'`.

# %%
tuned = cl.tune(
    "mlp2",
    rules=cl.TuningRules(trials=10, epochs=5, confirm_seeds=2),
    fixed=["data=digits", "batch_size=50"],
    studies_dir=RUNS.parent / "studies",
)
print(tuned.verdict.sentence if tuned.verdict else "mlp2 as shipped came out best: there was nothing to confirm.")

# %% [markdown]
# Every dot is a trial; the hollow ones were stopped after their first epoch.

# %%
from cifarlab.plots.optimisation_history import plot_optimisation_history

plot_optimisation_history(
    [trial.number for trial in tuned.trials],
    [trial.score for trial in tuned.trials],
    [trial.state for trial in tuned.trials],
)

# %% [markdown]
# The study's folder holds a page about the search (`report.html`) and the recipe that was found, ready for
# `cl.train(str(tuned.study.best_file))`.
#
# ## 6. The report, and your own experiment
#
# One page that holds all of this, to open in a browser, print or send:

# %%
page = cl.report(list(runs.values()))
print(page.name, f"{page.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# Other widths, another optimizer, mirrored training pictures: every setting of a recipe can be changed in one line, and
# every run keeps its recipe.
#
# ```python
# run = cl.train("mlp2", settings=["model.widths=(1024, 512)", "model.dropout=0.4", "flip=random"])
# cl.report([runs["mlp2"], run])
# ```
