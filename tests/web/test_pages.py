"""Every page over fake runs: it answers, holds what it should, links to what exists, and nothing inline."""

import html
import re
from urllib.parse import urlsplit

import pytest

from cifarlab.datasets import load_data

MOST_BYTES = 2_000_000


def image_id() -> str:
    return str(load_data("digits").test.ids[0])


PAGES = [
    "/runs",
    "/runs?q=fir&sort=-accuracy&state=finished&model=mlp&data=digits",
    "/runs-table",
    "/runs/first",
    "/runs/first?whole=1",
    "/runs/first/live",
    "/runs/begun",
    "/runs/held-out?split=validation",
    "/runs/first/mistakes",
    "/runs/first/mistakes?true=zero&said=zero",
    "/runs/first/mistakes?shown=all&against=second&side=gained&least=20&most=90&doubt=10&sort=doubt",
    "/runs/first/calibration",
    "/runs/first/calibration?whole=1",
    "/sections/results?split=test&run=first&run=second",
    "/sections/class_metrics?split=test&run=first",
    "/sections/training_curves?split=&run=held-out&run=first",
    "/runs/first/robustness",
    "/runs/first/making",
    "/runs/begun/making",
    "/runs/first/weights",
    "/runs/first/weights?whole=1",
    "/compare?run=first&run=second",
    "/compare?run=first&run=second&whole=1",
    "/compare?run=begun&run=first&run=held-out",
    "/compare?run=begun&run=first&run=held-out&whole=1",
    "/compare?run=first&run=second&split=validation&whole=1",
    "/trainings/new",
    "/trainings/new?recipe=smoke",
    "/data/digits",
    "/data/digits?split=train&class=three&page=2",
    "/data/digits?sort=doubt&doubt=5",
    "/data/digits/figures",
    "/data/digits/figures/class-means",
    "/data/digits/figures?whole=1",
    "/images/digits/{image}",
    "/images/digits/{image}?in=first&shown=all",
    "/images/digits/{image}?in=data&split=test",
]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_answers_and_holds_nothing_inline(pages, address, links):
    answer = pages.get(address.format(image=image_id()))
    assert answer.status_code == 200, answer.text[-500:]
    assert answer.headers["content-type"].startswith("text/html")
    assert len(answer.content) < MOST_BYTES
    assert not re.search(r'<[^>]*\son\w+="', answer.text)
    assert "<script>" not in answer.text
    assert "<style" not in answer.text
    outside = [each for each in links(answer.text) if not each.startswith(("/", "#", "data:"))]
    assert outside == []


@pytest.mark.parametrize("address", ["/runs", "/runs/first", "/data/digits", "/compare?run=first&run=second"])
def test_no_link_leads_nowhere(pages, address, links):
    for number, link in enumerate(sorted(set(links(pages.get(address).text)))):
        # Those of confusion cells and pictures are many and alike, and drawing a figure takes long: some of each. Of
        # a figure the numbers are there all the same.
        long = "true=" in link or "/images/" in link or urlsplit(link).path.endswith((".svg", ".png"))
        if link.startswith("#") or (long and number % 20):
            continue
        assert pages.get(link).status_code == 200, link


def test_previous_and_next_walk_through_the_filter(pages, links):
    gallery = pages.get("/runs/first/mistakes?sort=confidence").text
    tiles = links(gallery, "/images/")
    seen = [tiles[0]]
    while following := re.search(r'<a href="([^"]+)" data-key="ArrowRight"', pages.get(seen[-1]).text):
        seen.append(html.unescape(following[1]))
    assert [urlsplit(each).path for each in seen] == [urlsplit(each).path for each in tiles]
    back = re.search(r'<a href="([^"]+)" data-key="ArrowLeft"', pages.get(seen[1]).text)
    assert urlsplit(html.unescape(back[1])).path == urlsplit(seen[0]).path


def test_runs_are_sorted_and_filtered(pages):
    def names(address: str) -> list[str]:
        return re.findall(r'<a class="run" href="[^"]+">([^<]+)</a>', pages.get(address).text)

    assert names("/runs?sort=name") == ["begun", "first", "held-out", "second"]
    assert names("/runs?sort=-name") == ["second", "held-out", "first", "begun"]
    assert names("/runs?sort=-accuracy")[:2] == ["second", "first"]
    assert names("/runs?q=SEC") == ["second"]
    assert names("/runs?state=running") == ["begun"]
    assert names("/runs?q=nothing") == []


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/runs/nothing", 404, "there is no run"),
        ("/runs/..%2f..%2fetc", 404, ""),
        ("/runs/%2e%2e/live", 404, ""),
        ("/runs/first/nothing", 404, "has no page"),
        ("/runs/first?split=train", 400, "not been evaluated on train"),
        ("/runs/first?split=validation", 400, "/first --split validation"),
        ("/runs/begun/mistakes", 400, "begun has no trained model yet"),
        ("/runs?sort=size", 400, "unknown column"),
        ("/runs?page=two", 400, "whole number"),
        ("/runs/first/mistakes?true=cat", 400, "unknown class"),
        ("/runs/first/mistakes?against=nothing&side=lost", 404, "there is no run"),
        ("/compare?run=first", 200, "Confusion matrix"),
        ("/compare", 400, "choose two runs"),
        ("/compare?run=first&run=second&split=train", 400, "unknown split"),
        ("/data/cifar10", 404, "no data set"),
        ("/data/digits?split=extra", 404, "has no extra images"),
        ("/images/digits/nothing", 404, "has no image"),
        ("/images/digits/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/pictures/digits/0/..%2f..%2fetc%2fpasswd", 404, ""),
        ("/sections/nothing?run=first", 404, "no section"),
        ("/sections/results", 400, "run=NAME"),
        ("/sections/results?split=test&run=begun", 400, "not evaluated"),
        ("/figures/runs/first/nothing.svg", 404, "has no figure"),
        ("/figures/runs/first/confusion-matrix.exe", 404, "has no figure"),
        ("/figures/data/digits/nothing.csv", 404, "has no figure"),
        ("/trainings/new?recipe=nothing", 200, "Train a recipe"),
    ],
)
def test_a_wrong_address_gets_a_page_with_one_sentence(pages, address, status, says):
    answer = pages.get(address)
    assert answer.status_code == status
    assert says in html.unescape(answer.text)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("address", ["/runs/nope", "/nope", "/runs/nope/", "/studies/found/trials/abc", "/bin/nope"])
def test_a_browser_gets_the_apps_own_page_of_an_error_and_a_program_json(pages, address):
    for_people = pages.get(address, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert for_people.headers["content-type"].startswith("text/html")
    assert "<main>\n<h1>That did not work</h1>" in for_people.text
    assert pages.get(address, headers={"accept": "*/*"}).text == for_people.text
    for_programs = pages.get(address, headers={"accept": "application/json"})
    assert for_programs.status_code == for_people.status_code in (404, 422)
    assert for_programs.json()["detail"]


def test_a_part_of_an_address_of_another_kind_is_told_in_plain_words(pages):
    told = html.unescape(pages.get("/studies/found/trials/abc").text)
    assert "number must be a whole number. Received: 'abc'" in told


@pytest.mark.parametrize("address", ["/v1/runs/nope/scores", "/v1/nope", "/metrics/nope"])
def test_addresses_for_programs_answer_json_whoever_asks(pages, address):
    answer = pages.get(address)  # as a browser
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


@pytest.mark.parametrize(
    ("address", "item"),
    [
        ("/runs/first/making", "Runs"),
        ("/compare?run=first&run=second", "Runs"),
        ("/trainings/new", "Runs"),
        ("/images/digits/{image}?in=first", "Runs"),
        ("/images/digits/{image}", "Data"),
        ("/images/digits/{image}?in=data", "Data"),
        ("/data/digits/figures", "Data"),
        ("/classify", "Classify"),
    ],
)
def test_the_navigation_says_where_one_is(pages, address, item):
    text = pages.get(address.format(image=image_id())).text
    navigation = text[text.index('<nav aria-label="Pages">') : text.index("</nav>")]
    assert re.findall(r'aria-current="page">(\w+)<', navigation) == [item]


def test_pictures_are_kept_by_the_browser(pages):
    address = re.search(r'src="(/pictures/[^"]+)"', pages.get(f"/images/digits/{image_id()}").text)[1]
    answer = pages.get(address)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    old = pages.get(re.sub(r"/pictures/digits/\w+/", "/pictures/digits/older/", address))
    assert old.content == answer.content
    assert "immutable" not in old.headers["cache-control"]


def test_a_gallery_needs_few_requests_whose_answers_are_kept(pages):
    page = pages.get("/data/digits?split=train").text
    addresses = re.findall(r"url\((/sheets/[^)]+)\)", page)
    assert len(addresses) == 4
    assert re.findall(r'<link rel="preload" as="image" href="([^"]+)"', page) == addresses
    answer = pages.get(addresses[0])
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    # Of other data the same numbers would be other pictures.
    assert pages.get(re.sub(r"/sheets/digits/\w+/", "/sheets/digits/older/", addresses[0])).status_code == 404
    assert pages.get(addresses[0] + "AAAA").status_code == 404


def test_theme_is_kept_and_leads_back_into_the_app_only(pages):
    assert 'data-theme="dark"' in pages.get("/runs?theme=dark").text
    answer = pages.get("/theme?to=dark&back=/data/digits", follow_redirects=False)
    assert answer.headers["location"] == "/data/digits"
    assert "cifarlab_theme=dark" in answer.headers["set-cookie"]
    for back in ("//example.org", "https://example.org", "/\\example.org"):
        assert (
            pages.get("/theme", params={"to": "dark", "back": back}, follow_redirects=False).headers["location"] == "/"
        )


def test_a_name_with_odd_characters_is_linked_to(runs_dir, make_run, make_client, links):
    make_run(runs_dir, "odd")
    (runs_dir / "odd").rename(runs_dir / 'a b&c"<i>#?%')
    pages = make_client(runs_dir=runs_dir)
    (link,) = [each for each in links(pages.get("/runs?q=a b").text) if each.startswith("/runs/a")]
    answer = pages.get(link)
    assert answer.status_code == 200
    assert "<i>" not in answer.text


def test_an_empty_folder_invites(make_client):
    text = make_client().get("/runs").text
    assert "No runs yet" in text
    assert "/trainings/new?recipe=mlp1&amp;data=digits" in text


def test_a_training_needs_a_right_form(pages, made_runs):
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "first"})
    assert answer.status_code == 400
    assert "already a run" in answer.text
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "new", "set.epochs": "0"})
    assert answer.status_code == 400
    assert "epochs must be at least 1" in answer.text
    assert 'value="0"' in answer.text
    answer = pages.post("/trainings", data={"recipe": "smoke", "name": "new", "set.model": "/tmp/x.py"})
    assert answer.status_code == 400
    assert "unknown field 'set.model'" in html.unescape(answer.text)
    assert not (made_runs / "new").exists()
    assert pages.post("/runs/first/stop").status_code == 400
