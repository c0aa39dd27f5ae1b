"""The form that starts a training: what its address says, and what it says of the recipe."""

import html
import re
from inspect import cleandoc

import pytest

from cifarlab.datasets import load_data
from cifarlab.recipes import Recipe, load_recipe, override, settings_of
from cifarlab.runs import Run
from cifarlab.utils import discovery, files
from cifarlab.utils.syntax import described
from cifarlab.web.pages.training_form import changed_settings, group_recipes, training_fields


def test_who_asks_for_a_refused_form_again_gets_the_form(client):
    answer = client.get("/trainings", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/trainings/new")


def test_the_form_holds_what_its_address_says(client):
    address = "/trainings/new?recipe=mlp2&data=digits&set.epochs=7&set.schedule=cosine&set.epoch=3"
    text = client.get(address).text
    assert '<option value="digits" selected>' in text
    assert 'name="set.epochs" value="7"' in text
    assert '<option value="cosine" selected>' in text
    assert re.search(r"<textarea[^>]*>epoch=3</textarea>", text)
    assert "<details open>" in text
    plain = client.get("/trainings/new?recipe=mlp2").text
    assert "<details>" in plain
    assert re.search(r"<textarea[^>]*></textarea>", plain)


def test_another_recipe_takes_along_what_was_typed_and_what_both_have(own_pages):
    typed = _values(marked(own_pages))
    typed |= {"name": "mine", "set.seed": "7", "set.mixup_alpha": "0.2", "set.model.dropout": "0.5", "extra": "ema=0.9"}
    answer = own_pages.get("/trainings/new", params={**typed, "to": "mlp1"})
    found = _values(answer.text)
    assert (found["recipe"], found["name"], found["labels"], found["extra"]) == ("mlp1", "mine", "digits", "ema=0.9")
    assert (found["set.data"], found["set.seed"], found["set.mixup_alpha"]) == ("digits", "7", "0.2")
    # What was not changed is as the other recipe has it.
    assert (found["set.epochs"], found["set.batch_size"], found["set.model.widths"]) == ("100", "1000", "256, 128")
    assert "set.model.dropout" not in found
    assert "Left out, for mlp1 has no such setting: <code>model.dropout</code>" in answer.text
    assert "to=" not in str(answer.url)


def test_another_recipe_has_a_name_of_its_own_and_no_argument_of_another_network(client):
    typed = _values(client.get("/trainings/new?recipe=mlp2&set.model.widths=64&set.optimizer=sgd").text)
    answer = client.get("/trainings/new", params={**typed, "to": "convnet94"})
    found = _values(answer.text)
    assert (found["name"], found["set.optimizer"]) == ("convnet94-app", "sgd")
    assert found["set.model.widths"] == "64, 256, 256"  # channels are no units
    assert "<code>model.widths</code>" in answer.text


def test_every_recipe_is_offered_once_and_the_plain_one_first(client):
    text = client.get("/trainings/new").text
    offered = re.findall(r'name="to" value="([^"]+)"', text)
    assert sorted(offered) == discovery.names("recipes")
    assert offered[0] == _values(text)["recipe"] == "mlp1"
    groups = re.findall(r'role="group" aria-label="([^"]+)"', text)
    assert groups[1:] == ["First steps", "Dense", "Convolutional", "From a trained model"]
    assert group_recipes(["own", "smoke"]) == {"First steps": ["smoke"], "Further recipes": ["own"]}
    assert group_recipes(["dense10", "dense9", "mlp1"]) == {"First steps": ["mlp1"], "Dense": ["dense9", "dense10"]}


def hints(text: str) -> str:
    return html.unescape(re.search(r'<div id="hints"[^>]*>(.*?)</div>', text, re.DOTALL)[1])


def test_what_is_expected_is_said_of_the_data_that_it_was_measured_on_alone(client):
    assert "Expect 55.1" in hints(client.get("/trainings/new?recipe=mlp1").text)
    text = hints(client.get("/trainings/new?recipe=mlp1&data=digits").text)
    assert "Expect" not in text
    assert "measured on cifar10; on digits it is another" in text
    assert "Expect 79 %" in hints(client.get("/trainings/new?recipe=frozen&data=digits").text)


def test_what_seldom_does_well_is_said_before_the_training(client):
    text = hints(client.get("/trainings/new?recipe=mlp1&data=digits").text)
    train = round(len(load_data("digits", validation_fraction=0).train) * 0.9)
    assert "a mirrored digit" in text
    assert f"more than a quarter of the training images, about {train:,}: 1 step an epoch" in text
    (link,) = re.findall(r'href="(/trainings/new[?][^"]+)"', client.get("/runs").text)
    assert 'class="read hint"' not in hints(client.get(html.unescape(link)).text)
    assert 'class="read hint"' not in hints(client.get("/trainings/new?recipe=mlp1&data=digits&set.epochs=x").text)


def test_the_form_says_what_decides(client):
    assert "the best epoch is chosen on validation" in client.get("/trainings/new?recipe=smoke").text
    text = client.get("/trainings/new?recipe=convnet94").text
    assert "nothing is held out, and the last epoch is kept" in text
    assert "decided on validation" not in text


def field(text: str, name: str) -> str:
    """The element of the form that has a name; of a switch, the box."""
    found = re.findall(rf'<(?:input|select|textarea)[^>]* name="{re.escape(name)}"[^>]*>', text)
    return found[-1]


@pytest.mark.parametrize("recipe", discovery.names("recipes"))
def test_every_setting_has_a_label_and_is_explained_in_the_words_of_the_recipe(client, recipe):
    text = client.get(f"/trainings/new?recipe={recipe}").text
    recipe_words = described(cleandoc(Recipe.__doc__), "Attributes")
    for key in settings_of(load_recipe(recipe)):
        if key == "model":
            continue
        assert f'<label for="set.{key}">' in text
        about = html.unescape(re.search(rf'<small id="about-set\.{re.escape(key)}">(.*?)</small>', text, re.DOTALL)[1])
        assert len(re.sub(r"<[^>]+>", "", about)) > 10, key
        if key in recipe_words:
            assert re.sub(r"<[^>]+>", "", about) == recipe_words[key].replace("`", "")
    if recipe == "mlp2":
        assert "Units of each hidden layer." in text  # of the model's own file


def test_words_and_numbers_instead_of_python(client):
    text = client.get("/trainings/new?recipe=mlp2").text
    assert 'type="number" step="1"' in field(text, "set.epochs")
    assert 'type="number" step="any"' in field(text, "set.learning_rate")
    assert field(text, "set.optimizer").startswith("<select")
    assert 'type="checkbox"' in field(text, "set.shuffle_pixels")
    assert 'value="512, 256, 128"' in field(text, "set.model.widths")
    assert 'value="0.3, 0.2, 0.1"' in field(text, "set.model.dropout")
    assert 'value=""' in field(text, "set.image_pixels")


def test_what_is_typed_becomes_what_set_takes():
    recipe = load_recipe("mlp2")
    fields = {each.key: each.usual for each in training_fields(recipe)}
    untouched = {f"set.{key}": value for key, value in fields.items()}
    assert changed_settings(recipe, untouched) == {}
    typed = {
        "set.model.widths": "64",
        "set.model.dropout": "0.5",
        "set.image_pixels": "16, 24",
        "set.head_first": "False",
    }
    changed = changed_settings(recipe, untouched | typed)
    assert set(changed.values()) == {
        "model.widths=(64,)",
        "model.dropout=0.5",
        "image_pixels=(16, 24,)",
        "head_first=False",
    }
    made = override(recipe, list(changed.values()))
    assert made.model_args == {"widths": (64,), "dropout": 0.5}
    assert (made.image_pixels, made.head_first) == ((16, 24), False)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"set.epochs": "0"}, "set.epochs"),
        ({"set.label_smoothing": "2"}, "set.label_smoothing"),
        ({"set.data": "nothing"}, "set.data"),
        ({"extra": "epoch=3"}, "extra"),
        ({"name": "a b"}, "name"),
        ({"name": "a b", "set.epochs": "7"}, "name"),
        ({"set.shuffle_pixels": "True", "set.image_pixels": "24"}, "set.shuffle_pixels"),
        # What a training says only once it has its framework, or its data.
        ({"set.model.widths": "0"}, "set.model.widths"),
        ({"set.model.widths": "64, 32", "set.model.dropout": "0.1"}, ""),
        ({"set.model.widths": "64", "set.model.dropout": "0.1, 0.2"}, "set.model.dropout"),
        ({"set.batch_size": "1000000"}, "set.batch_size"),
        ({"set.validation_fraction": "0.99"}, "set.batch_size"),
        ({"set.translate_pixels": "32"}, "set.translate_pixels"),
        ({"set.image_pixels": "16"}, "set.image_pixels"),
        ({"set.class_weight": '{"horse": 2.0}'}, "set.class_weight"),
        ({"set.start_from": "builtin"}, "set.start_from"),
        ({"extra": "optimizer.beta=1"}, "extra"),
        ({"extra": "model.activation=rely"}, "extra"),
        ({"labels": "cifar10"}, "labels"),
    ],
)
def test_the_focus_is_on_the_field_that_was_wrong(client, launched, typed, wrong):
    answer = client.post(
        "/trainings", data={"recipe": "smoke", "name": "new", **typed}, headers={"accept": "text/html"}
    )
    if not wrong:
        assert launched
        return
    assert (answer.status_code, launched) == (400, [])
    assert re.findall(r'<[^>]* id="([\w.]+)"[^>]* autofocus', answer.text) == [wrong]
    there = field(answer.text, wrong)
    assert 'aria-invalid="true"' in there
    assert f'aria-describedby="problem about-{wrong}"' in there
    assert 'id="problem"' in answer.text
    assert answer.text.count("aria-invalid") == 1


def test_the_settings_of_a_run_fill_the_form_in(own_pages, runs_dir):
    run = Run(runs_dir / "first")
    recipe = {**files.read_json(run.recipe_file), "epochs": 7, "head_first": False, "image_pixels": [8, 8]}
    files.write_json(run.recipe_file, recipe)
    answer = own_pages.get("/trainings/again?run=first")
    assert answer.status_code == 200
    sent = _values(answer.text)
    base = load_recipe(sent["recipe"])
    extra = sent["extra"].splitlines()
    made = override(base, [*changed_settings(base, sent).values(), *extra])
    assert settings_of(made) == settings_of(run.recipe)


def test_a_run_that_the_form_cannot_repeat_says_how_to_train_it(own_pages, runs_dir):
    run = Run(runs_dir / "first")
    files.write_json(run.recipe_file, {**files.read_json(run.recipe_file), "flip": True})
    files.write_json(run.data_file, {**run.data, "labels": {"checksum": "sha256:1"}})
    run.labels_file.write_text("id,old,new,verdict\n")
    answer = own_pages.get("/trainings/again?run=first")
    assert answer.status_code == 400
    assert f"cifarlab train {run.recipe_file} --labels {run.labels_file}" in html.unescape(answer.text)
    assert own_pages.get("/trainings/again?run=nothing").status_code == 404


def test_trainings_without_a_folder_take_a_line_or_two_above_the_table(own_pages, runs_dir, launched, monkeypatch):
    logs = runs_dir / ".trainings"
    for number in range(5):
        answer = own_pages.post("/trainings", data={"recipe": "smoke", "name": f"new-{number}"}, follow_redirects=False)
        assert answer.status_code == 303
        (logs / f"new-{number}.log").write_text(f"loading\ncannot read the data {number}\n")
    text = own_pages.get("/runs").text
    assert re.findall(r'class="notice job"', text) == ['class="notice job"']
    assert "and 2 more are starting: the framework" in text
    monkeypatch.setattr("cifarlab.web.jobs.subprocess.Popen.returncode", 2)
    for address in ("/runs", "/runs-table"):
        text = own_pages.get(address).text
        (folded,) = re.findall(r'<details class="notice job">(.*?)</details>', text, re.DOTALL)
        assert "5 trainings ended before they became runs: <span" in folded.partition("</summary>")[0]
        assert folded.partition("</summary>")[0].endswith("cannot read the data 4</span>")
        assert re.findall(r'aria-label="Dismiss ([^"]+)"', folded) == [f"new-{number}" for number in range(5)]
        assert text.count("ended before") == 1
    for number in range(4):
        own_pages.post(f"/trainings/new-{number}/forget")
    assert "<strong>new-4</strong> ended before it became a run: " in own_pages.get("/runs").text


def marked(client, split: str = "train") -> str:
    """Marks two images: one relabelled, one dropped; the page of the form afterwards."""
    tiles = client.get(f"/data/digits?split={split}&class=zero&mark=1").text
    first, second, *_ = re.findall(r'name="image" value="([^"]+)"', tiles)
    client.post("/labels/digits", data={"image": first, "verdict": "relabel", "new": "one"})
    client.post("/labels/digits", data={"image": second, "verdict": "drop"})
    return client.get("/trainings/new?recipe=smoke&data=digits&labels=digits").text


def test_marks_are_offered_and_their_file_is_handed_to_the_training(own_pages, runs_dir, launched):
    assert 'name="labels"' not in own_pages.get("/trainings/new?recipe=smoke").text
    text = marked(own_pages)
    assert '<option value="digits" selected>corrected in digits: 1 relabelled, 1 dropped</option>' in text
    answer = own_pages.post("/trainings", data=_values(text), follow_redirects=False)
    assert answer.status_code == 303
    (command,) = launched
    assert command[command.index("--labels") + 1] == str(runs_dir / "labels" / "digits.csv")
    own_pages.post("/trainings", data={**_values(text), "labels": "", "name": "other"})
    assert "--labels" not in launched[-1]


@pytest.mark.parametrize("asked", ["/etc/passwd", "../labels/digits.csv", "digits.csv", "run:../x", "run:second"])
def test_no_labels_are_taken_but_those_that_are_offered(own_pages, launched, asked):
    form = _values(marked(own_pages))
    answer = own_pages.post("/trainings", data={**form, "labels": asked})
    assert (answer.status_code, launched) == (400, [])
    assert "there are no corrected labels" in answer.text
    assert answer.text.count(" autofocus") == 1


def test_labels_that_do_not_fit_are_refused_in_their_field(own_pages, runs_dir, launched):
    form = _values(marked(own_pages))
    file = runs_dir / "labels" / "digits.csv"
    kept = file.read_text()
    for content, said in (
        (kept.partition("\n")[0] + "\n", "there are no corrected labels"),  # nothing is marked any more
        (kept + "broken\n", "digits.csv"),
    ):
        file.write_text(content)
        answer = own_pages.post("/trainings", data=form)
        assert (answer.status_code, launched) == (400, [])
        assert said in html.unescape(answer.text)
        assert 'name="labels" id="labels" aria-describedby="problem about-labels"' in answer.text


def test_marks_of_test_images_alone_are_not_offered(own_pages):
    assert "corrected in" not in marked(own_pages, "test")


def test_the_gallery_leads_to_the_form_with_its_marks(own_pages, links):
    marked(own_pages)
    (link,) = links(own_pages.get("/data/digits").text, "/trainings/")
    assert link == "/trainings/new?data=digits&labels=digits"
    (link,) = links(own_pages.get("/runs/first/mistakes").text, "/trainings/")
    text = own_pages.get(link).text
    assert '<option value="digits" selected>corrected in digits' in text
    assert 'name="set.model.widths"' in text


def test_a_run_that_learned_by_labels_says_so_and_is_trained_again_by_its_own_copy(own_pages, runs_dir, launched):
    run = Run(runs_dir / "first")
    marked(own_pages)
    (runs_dir / "labels" / "digits.csv").rename(run.labels_file)
    parts = {"train": {"relabel": 2, "drop": 1}, "validation": {"relabel": 1}}
    files.write_json(run.data_file, {**run.data, "labels": {"checksum": "sha256:1", "parts": parts}})
    text = own_pages.get("/runs/first").text
    assert "learned by corrected labels: 3 relabelled and 1 dropped of its training and validation images" in text
    assert 'id="corrected"' not in own_pages.get("/runs/second").text
    form = own_pages.get("/trainings/again?run=first").text
    assert '<option value="run:first" selected>those that first learned by</option>' in form
    assert own_pages.post("/trainings", data=_values(form), follow_redirects=False).status_code == 303
    assert launched[0][launched[0].index("--labels") + 1] == str(run.labels_file)


def _values(text: str) -> dict[str, str]:
    """What a browser would send of the form as it stands there."""
    form = text[text.index('<form class="training"') : text.index("Start the training")]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if given.get("type") != "checkbox" or " checked" in tag:
            found[re.search(r'name="([^"]+)"', tag)[1]] = html.unescape(given.get("value", ""))
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        found[name] = html.unescape(chosen[1])
    found["extra"] = html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)[1])
    return found
