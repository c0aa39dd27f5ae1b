"""The form that starts a training: what its address says, and what it says of the recipe."""

import re


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
    assert 'href="/trainings/new?recipe=smoke&amp;data=digits"' in text
    plain = client.get("/trainings/new?recipe=mlp2").text
    assert "<details>" in plain
    assert re.search(r"<textarea[^>]*></textarea>", plain)


def test_the_form_says_what_decides(client):
    assert "the best epoch is chosen on validation" in client.get("/trainings/new?recipe=smoke").text
    text = client.get("/trainings/new?recipe=convnet94").text
    assert "nothing is held out, and the last epoch is kept" in text
    assert "decided on validation" not in text
