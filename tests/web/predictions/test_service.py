"""The service: batches, bounds, time, several models, and a stop that answers what was accepted."""

import asyncio
import threading

import numpy as np
import pytest

from cifarlab.utils.errors import CifarlabError
from cifarlab.web.predictions.batcher import BATCH_SIZES, Busy, run_in_batches
from cifarlab.web.predictions.model_store import LoadedModel, ModelStore, UnknownModel

BLACK = np.zeros((1, 32, 32, 3), np.uint8)


def pictures(levels) -> np.ndarray:
    return np.stack([np.full((32, 32, 3), level, np.uint8) for level in levels])


async def ask(service, name="builtin", levels=(0,)):
    batcher = await service.open_model(name)
    return await service.predict(batcher, pictures(levels))


async def turns():
    """Until every task that was made has put its pictures into the queue, or has been told that it is cancelled."""
    for _ in range(10):
        await asyncio.sleep(0)


async def held_up(service, gate, levels=(0,)) -> asyncio.Task:
    """A first request, which the armed gate holds: whatever is asked next waits."""
    await service.open_model("builtin")
    gate.armed = True
    first = asyncio.create_task(ask(service, levels=levels))
    await asyncio.to_thread(gate.reached.wait, 10)
    return first


def test_each_gets_its_own_answer(make_service, fakes):
    service = make_service()

    async def all_at_once():
        return await asyncio.gather(*(ask(service, levels=(level, 255 - level)) for level in range(0, 250, 10)))

    for level, answer in zip(range(0, 250, 10), asyncio.run(all_at_once()), strict=True):
        logits = fakes.brightness(pictures((level, 255 - level))).astype(float)
        weights = np.exp(logits)
        np.testing.assert_allclose(answer, weights / weights.sum(axis=1, keepdims=True), atol=1e-6)


def test_what_waits_is_answered_together(make_service, gate, fakes):
    sizes = []

    def noted(images):
        sizes.append(len(images))
        return gate(images)

    service = make_service(fakes.FakeModelStore(noted))

    async def talk():
        await service.open_model("builtin")
        sizes.clear()
        first = await held_up(service, gate)
        others = [asyncio.create_task(ask(service, levels=(1, 2))) for _ in range(5)]
        await turns()
        gate.opened.set()
        await asyncio.gather(first, *others)

    asyncio.run(talk())
    assert sizes == [1, 16]  # ten pictures, filled up to a size that is compiled


def test_only_a_few_sizes_reach_the_model(fakes):
    seen = []

    def noted(images):
        seen.append(len(images))
        return fakes.brightness(images)

    model = LoadedModel("any", fakes.CLASS_NAMES, (32, 32, 3), noted)
    for count in (1, 2, 3, 5, 31, 32, 33, 100):
        levels = np.linspace(0, 255, count).astype(np.uint8)
        np.testing.assert_array_equal(run_in_batches(model, pictures(levels)), fakes.brightness(pictures(levels)))
    assert set(seen) <= set(BATCH_SIZES)


def test_what_takes_any_number_is_given_no_more_than_was_asked(fakes):
    seen = []

    def noted(images):
        seen.append(len(images))
        return fakes.brightness(images)

    model = LoadedModel("any", fakes.CLASS_NAMES, (32, 32, 3), noted, takes_any_number=True)
    for count in (1, 3, 31, 33, 70):
        levels = np.linspace(0, 255, count).astype(np.uint8)
        np.testing.assert_array_equal(run_in_batches(model, pictures(levels)), fakes.brightness(pictures(levels)))
    assert seen == [1, 3, 31, 32, 1, 32, 32, 6]


def test_a_full_queue_refuses_and_says_when_to_come_again(make_service, gate, gated_store):
    service = make_service(gated_store, queue_size=4)

    async def talk():
        running = await held_up(service, gate)
        waiting = [asyncio.create_task(ask(service, levels=(1, 2))) for _ in range(2)]
        await turns()
        with pytest.raises(Busy) as caught:
            await ask(service)
        assert caught.value.seconds >= 1
        gate.opened.set()
        return await asyncio.gather(running, *waiting)

    assert [len(answer) for answer in asyncio.run(talk())] == [1, 2, 2]


def test_a_request_larger_than_the_queue_is_answered_when_nothing_waits(make_service):
    assert len(asyncio.run(ask(make_service(queue_size=4), levels=range(50)))) == 50


def test_places_are_bounded_and_given_back(make_service):
    service = make_service(queue_size=2)
    with service.admission(), service.admission(), pytest.raises(Busy), service.admission():
        pass
    with service.admission(), service.admission():
        pass


def test_who_has_gone_is_not_answered(make_service, gate, gated_store):
    counted = []
    gated_store.forward = lambda images: (counted.append(int(images[0, 0, 0, 0])), gate(images))[1]
    service = make_service(gated_store)

    async def talk():
        await service.open_model("builtin")
        counted.clear()
        first = await held_up(service, gate, levels=(10,))
        gone = asyncio.create_task(ask(service, levels=(20,)))
        await turns()
        gone.cancel()
        await turns()
        gate.opened.set()
        await first
        await ask(service, levels=(30,))

    asyncio.run(talk())
    assert counted == [10, 30]


def test_a_batch_wakes_the_loop_once(make_service, gate, gated_store):
    service = make_service(gated_store)

    async def talk():
        first = await held_up(service, gate)
        others = [asyncio.create_task(ask(service)) for _ in range(7)]
        await turns()
        loop = asyncio.get_running_loop()
        wake, woken = loop.call_soon_threadsafe, []
        loop.call_soon_threadsafe = lambda *words, **more: (woken.append(words), wake(*words, **more))[1]
        gate.opened.set()
        await asyncio.gather(first, *others)
        return len(woken)

    assert asyncio.run(talk()) == 2  # the first alone, then the seven that waited


def test_whoever_leaves_while_a_batch_runs_harms_nobody(make_service, gate, gated_store):
    service = make_service(gated_store)

    async def talk():
        gone = await held_up(service, gate)
        stays = asyncio.create_task(ask(service))
        gone.cancel()
        await turns()
        gate.opened.set()
        return await stays

    assert len(asyncio.run(talk())) == 1


def test_a_loop_that_has_ended_needs_no_answer(make_service, gate, gated_store):
    service = make_service(gated_store)

    async def leave():
        batcher = await service.open_model("builtin")
        gate.armed = True
        batcher.submit(BLACK)
        await asyncio.to_thread(gate.reached.wait, 10)

    asyncio.run(leave())
    gate.opened.set()
    assert len(asyncio.run(ask(service))) == 1  # the thread lives on


def test_a_stop_answers_what_was_accepted(make_service, gate, gated_store):
    service = make_service(gated_store)

    async def talk():
        batcher = await service.open_model("builtin")
        gate.armed = True
        accepted = [asyncio.create_task(ask(service)) for _ in range(10)]
        await asyncio.to_thread(gate.reached.wait, 10)
        stopping = asyncio.create_task(asyncio.to_thread(service.stop))
        while not batcher._stopping:
            await asyncio.sleep(0)
        with pytest.raises(Busy):
            await ask(service)
        with pytest.raises(Busy), service.admission():
            pass
        assert not stopping.done()
        gate.opened.set()
        answers = await asyncio.gather(*accepted)
        await stopping
        return answers

    assert len(asyncio.run(talk())) == 10
    assert service.is_stopping
    assert not [thread for thread in threading.enumerate() if thread.name == "model builtin"]


def test_the_model_asked_longest_ago_leaves_first(make_service, fake_store):
    fake_store.versions = dict.fromkeys(("a", "b", "c"), 1)
    service = make_service(most_models=2)

    async def talk():
        for name in ("a", "b", "a", "c", "a", "b"):
            await ask(service, name)

    asyncio.run(talk())
    assert fake_store.loads == ["a", "b", "c", "b"]
    assert service.engine("a")
    assert not service.engine("c")


def test_a_model_trained_anew_is_loaded_anew(make_service, fake_store):
    service = make_service()
    asyncio.run(ask(service))
    fake_store.versions["builtin"] = 2
    asyncio.run(ask(service))
    asyncio.run(ask(service))
    assert fake_store.loads == ["builtin", "builtin"]


def test_an_unknown_model_is_refused(make_service):
    with pytest.raises(UnknownModel):
        asyncio.run(ask(make_service(), "nothing"))


def test_a_model_that_cannot_be_loaded_is_tried_again_when_its_file_changes(make_service, fake_store, monkeypatch):
    working = fake_store.load

    def broken(name):
        fake_store.loads.append("broken")
        raise CifarlabError("cannot load the model: damaged")

    monkeypatch.setattr(fake_store, "load", broken)
    service = make_service()
    for _ in range(2):
        with pytest.raises(CifarlabError, match="damaged"):
            asyncio.run(ask(service))
    assert fake_store.loads == ["broken"]
    monkeypatch.setattr(fake_store, "load", working)
    fake_store.versions["builtin"] = 2
    assert len(asyncio.run(ask(service))) == 1


def test_a_failed_batch_is_said_and_the_thread_lives_on(make_service, fakes):
    def fails_on_white(images):
        if images.max() == 255:
            raise RuntimeError("out of memory")
        return fakes.brightness(images)

    service = make_service(fakes.FakeModelStore(fails_on_white))
    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(ask(service, levels=(255,)))
    assert len(asyncio.run(ask(service))) == 1


def test_a_model_that_gives_nan_says_so(make_service, fakes):
    service = make_service(fakes.FakeModelStore(lambda images: np.full((len(images), 4), np.nan, np.float32)))
    with pytest.raises(CifarlabError, match="NaN"):
        asyncio.run(ask(service))


def test_a_temperature_makes_less_sure(fakes):
    logits = np.array([[2.0, 0.0, 0.0, 0.0]], np.float32)
    sharp = LoadedModel("any", fakes.CLASS_NAMES, (32, 32, 3), fakes.brightness)
    mild = LoadedModel("any", fakes.CLASS_NAMES, (32, 32, 3), fakes.brightness, temperature=2.0)
    expected = np.exp([1, 0, 0, 0]) / np.exp([1, 0, 0, 0]).sum()
    np.testing.assert_allclose(mild.probabilities(logits)[0], expected, atol=1e-7)
    assert sharp.probabilities(logits)[0, 0] > mild.probabilities(logits)[0, 0]


@pytest.fixture
def runs_dir(tmp_path):
    for name in ("second", "first", ".hidden", "unfinished"):
        (tmp_path / name).mkdir()
        if name != "unfinished":
            (tmp_path / name / "model.keras").write_bytes(b"weights")
    (tmp_path / "file").write_text("no run")
    return tmp_path


def test_models_are_listed(runs_dir):
    assert ModelStore(runs_dir).names() == ["builtin", "first", "second"]
    assert ModelStore(runs_dir / "missing").names() == ["builtin"]


@pytest.mark.parametrize("name", ["../first", "first/../second", "/etc", "", ".", "..", ".hidden", "file", "fir st"])
def test_no_name_leads_elsewhere(runs_dir, name):
    store = ModelStore(runs_dir / "..", lambda *_: pytest.fail("it was loaded"))
    for each in (store, ModelStore(runs_dir, lambda *_: pytest.fail("it was loaded"))):
        with pytest.raises(UnknownModel):
            each.load(name)


def test_a_link_is_no_run_of_ours(runs_dir, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "model.keras").write_bytes(b"weights")
    (runs_dir / "linked").symlink_to(elsewhere)
    assert "linked" not in ModelStore(runs_dir).names()


def test_what_comes_later_is_found(runs_dir):
    store = ModelStore(runs_dir)
    before = store.version("first")
    (runs_dir / "first" / "model.keras").write_bytes(b"other weights")
    (runs_dir / "third").mkdir()
    (runs_dir / "third" / "model.keras").write_bytes(b"weights")
    assert store.version("first") != before
    assert "third" in store.names()
