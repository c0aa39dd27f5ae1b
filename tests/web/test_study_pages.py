"""The pages about studies: their table, one study, its trials, and starting, stopping and going on."""

import json
import re
import shutil

import pytest

from cifarlab.runs import create_run
from cifarlab.search.reading import read_study
from cifarlab.utils.errors import CifarlabError
from cifarlab.web.search_options import check_options, read_command

DATA = {"digits": "digits", "cifar10": "cifar10"}


@pytest.fixture
def studies_dir(tmp_path):
    return tmp_path / "studies"


@pytest.fixture
def study(made_up_study, studies_dir):
    return made_up_study.make_study(studies_dir, "made-up")


@pytest.fixture
def client(make_client, studies_dir):
    return make_client(studies_dir=studies_dir)


def test_the_menu_leads_to_the_studies(client):
    page = client.get("/studies")
    assert page.status_code == 200
    assert re.search(r'<a href="/studies" aria-current="page">Studies</a>', page.text)
    assert "No studies yet" in page.text


def test_every_study_is_a_row(client, study, made_up_study, studies_dir):
    made_up_study.make_study(studies_dir, "half", rounds=1)
    (studies_dir / "damaged").mkdir()
    (studies_dir / "damaged" / "study.json").write_text("{}")
    (studies_dir / "no-study").mkdir()
    (studies_dir / "elsewhere").symlink_to(study.path)
    text = client.get("/studies").text
    assert re.findall(r'<a class="run" href="/studies/([^"]+)"', text) == ["damaged", "half", "made-up"]
    assert "better than as shipped (+2.00 points)" in text
    assert "stopped before its end" in text
    assert "study.json is damaged" in text
    assert client.get("/studies-table").text in text.replace("\r", "")


def test_a_studys_page_has_its_verdict_its_trials_and_figures_to_come(client, study):
    page = client.get("/studies/made-up")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.text.index('id="verdict"') < page.text.index('id="trials"') < page.text.index('id="search"')
    assert sorted(re.findall(r'href="/studies/made-up/trials/(\d+)"', page.text)) == [str(n) for n in range(10)]
    lazy = re.findall(r'data-lazy="(/studies/made-up/sections/figure-[a-z-]+)"', page.text)
    assert len(lazy) == 6
    for address in lazy:
        assert "<svg" in client.get(address).text
    assert "data-lazy" not in client.get("/studies/made-up").text
    assert "&lt;b&gt;lower the learning rate" in page.text
    assert "<b>" not in page.text
    assert 'data-live="' not in page.text[page.text.index("<main") :]


def test_without_a_script_all_is_drawn_at_once(client, study):
    text = client.get("/studies/made-up?whole=1").text
    assert "data-lazy" not in text
    assert text.count('<svg role="img"') == 6


def test_a_study_that_runs_is_live(client, study):
    study.best_file.unlink()
    with study.writing():
        page = client.get("/studies/made-up")
        assert 'data-live="/studies/made-up/live"' in page.text
        assert "It was started elsewhere" in page.text
        first = client.get("/studies/made-up/live")
        again = client.get("/studies/made-up/live", headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert "chip running" in first.text
        study.remember(made_trial(study, 3), (1, "out of memory"))
        changed = client.get("/studies/made-up/live", headers={"if-none-match": first.headers["etag"]})
        assert changed.status_code == 200
    stopped = client.get("/studies/made-up/live").text
    assert "chip stopped" in stopped
    assert 'action="/studies/made-up/join"' in stopped


def made_trial(study, number):
    return read_study(study.path).trials[number]


def test_a_trials_page(client, study):
    page = client.get("/studies/made-up/trials/2").text
    assert '<svg role="img"' in page
    assert "learning_rate" in page
    failed = client.get("/studies/made-up/trials/1").text
    assert "It failed: the loss is not a number: &lt;b&gt;" in failed
    assert "<svg" not in failed[failed.index("<main") :]
    assert "evaluate" not in page
    (study.trial_run(2, 0).path / "model.keras").write_bytes(b"")
    assert "cifarlab evaluate" in client.get("/studies/made-up/trials/2").text


@pytest.mark.parametrize("kind", ["svg", "png", "csv"])
def test_figures_are_files(client, study, kind):
    answer = client.get(f"/studies/made-up/figures/slices.{kind}")
    assert answer.headers["content-disposition"] == f'attachment; filename="made-up-slices.{kind}"'
    if kind == "csv":
        assert answer.text.startswith("trial,epochs,score,learning_rate,optimizer\n0,1,")


@pytest.mark.parametrize(
    "address",
    [
        "nothing",
        "..%2Fruns",
        "elsewhere",
        "made-up/trials/77",
        "made-up/sections/secrets",
        "made-up/figures/slices.exe",
        "made-up/figures/..%2Fstudy.csv",
        "nothing/live",
    ],
)
def test_what_is_not_there_is_404(client, study, studies_dir, address):
    (studies_dir / "elsewhere").symlink_to(study.path)
    assert client.get(f"/studies/{address}").status_code == 404


def test_a_damaged_study_says_so_on_its_page(client, study):
    study.trials_file.write_text("number\nx\n")
    page = client.get("/studies/made-up")
    assert page.status_code == 400
    assert "trials.csv is damaged" in page.text


FORM = {"recipe": "smoke", "name": "mine", "data": "digits", "trials": "12", "range": "learning_rate=1e-4..1e-2:log"}


def test_a_search_is_started_and_stopped(client, launched, studies_dir):
    answer = client.post("/searches", data=FORM, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studies/mine")
    command = launched[0]
    assert command[3] == "tune"
    assert command[-2:] == ["--", "smoke"]
    assert {"--trials=12", "--range=learning_rate=1e-4..1e-2:log", "--fix=data=digits", "--name=mine"} <= {*command}
    assert f"--studies-dir={studies_dir}" in command
    assert "starting" in client.get("/studies/mine").text
    assert "is starting" in client.get("/studies").text
    assert client.post("/searches", data=FORM).status_code == 400
    client.post("/studies/mine/stop", follow_redirects=False)
    assert launched[-1] == 15


def test_a_study_goes_on_by_its_own_options(client, study, launched, studies_dir):
    assert client.post("/studies/made-up/join", follow_redirects=False).status_code == 303
    command = launched[0]
    assert {"--trials=10", "--only", "--name=made-up", f"--studies-dir={studies_dir}"} <= {*command}
    assert command[-2:] == ["--", "smoke"]
    assert "Stop the search" in client.get("/studies/made-up").text


def test_nobody_elses_page_starts_or_stops_anything(client, study, launched):
    foreign = {"Origin": "http://evil.example"}
    for address in ("/searches", "/studies/made-up/stop", "/studies/made-up/join"):
        assert client.post(address, data=FORM, headers=foreign).status_code == 403
    assert launched == []


@pytest.mark.parametrize(
    ("changed", "said", "field"),
    [
        ({"recipe": "/etc/evil.py"}, "unknown recipe", "recipe"),
        ({"fix": "model=/etc/evil.py"}, "unknown model", "fix"),
        ({"choice": "model=mlp,/etc/evil.py"}, "one model", "choice"),
        ({"data": "folder:/etc"}, "unknown data set", "data"),
        ({"trials": "many"}, "must be a whole number of at least 1", "trials"),
        ({"trials": "0"}, "must be a whole number of at least 1", "trials"),
        ({"max-minutes": "-1"}, "must be a number of at least 0", "max-minutes"),
        ({"max-minutes": "5"}, "has a single round", "max-minutes"),
        ({"trials": "--storage=x"}, "must be a whole number", "trials"),
        ({"sampler": "--json"}, "unknown sampler", "sampler"),
        ({"pruner": "/etc/evil.py"}, "evil", "pruner"),
        ({"range": "learning_rate=3..1"}, "empty", "range"),
        ({"range": "lerning_rate=1..3"}, "lerning_rate", "range"),
        ({"choice": "optimizer=adam,nothing"}, "one of adam", "choice"),
        ({"name": "../up"}, "name is made of", "name"),
        ({"fix": "batch_size=100000"}, "batch_size 100000 is more than the", "fix"),
        ({"fix": "model.widths=(0,)"}, "widths must be positive whole numbers", "fix"),
        ({"choice": "model.activation=relu,rely"}, "activation must be one of", "choice"),
        ({"storage": "sqlite:///x"}, "unknown field", ""),
    ],
)
def test_a_wrong_search_is_refused_with_the_focus_in_its_field_and_nothing_lost(client, launched, changed, said, field):
    answer = client.post("/searches", data={**FORM, **changed})
    assert answer.status_code == 400
    assert said in answer.text
    blamed = re.findall(r'<(?:input|select|textarea)[^>]* name="([\w-]+)"[^>]* autofocus', answer.text)
    assert blamed == [field] * bool(field)
    assert answer.text.count("autofocus") == 1
    assert launched == []
    assert 'value="12"' in answer.text or "trials" in changed


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /",
        "cifarlab tune smoke --space /etc/evil.py",
        "cifarlab tune smoke --code /etc/evil.py",
        "cifarlab tune smoke --storage sqlite:///x",
        "cifarlab tune /etc/evil.py",
        "cifarlab tune smoke --fix model=/etc/evil.py",
        "cifarlab tune smoke mlp1",
        "cifarlab tune smoke --trials 'x",
        "cifarlab tune",
        "",
    ],
)
def test_a_strangers_command_is_never_started(client, study, launched, command):
    study.about_file.write_text(json.dumps({**json.loads(study.about_file.read_text()), "command": command}))
    assert client.post("/studies/made-up/join").status_code == 400
    assert launched == []


def test_a_command_is_read_as_the_command_line_reads_it():
    command = (
        "cifarlab tune --only smoke --range=learning_rate=1e-4..1e-2:log --choice 'optimizer=adam,sgd' -n x --json"
    )
    options = read_command(f"{command} --data digits --trials 7 --studies-dir /elsewhere", DATA)
    assert options == check_options(
        "smoke",
        {"trials": "7"},
        {
            "range": ["learning_rate=1e-4..1e-2:log"],
            "choice": ["optimizer=adam,sgd"],
            "fix": ["data=digits"],
        },
        True,
        DATA,
    )
    waiting = read_command("cifarlab tune smoke --asynchronous --pruner halving", DATA)
    assert waiting.asynchronous
    assert "--asynchronous" in waiting.words()
    with pytest.raises(CifarlabError, match="in a terminal"):
        read_command("cifarlab train smoke", DATA)


def test_runs_and_studies_do_not_mix(client, study, tmp_path):
    create_run(tmp_path / "runs", "0002-seed0")
    assert client.get("/runs/0003-seed0").status_code == 404
    shutil.rmtree(study.path)
    assert client.get("/studies/made-up").status_code == 404
