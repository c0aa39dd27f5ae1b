import pytest

from cifarlab.displays.tuning import TuningDisplay
from cifarlab.search.observer import Silent, choose_observer
from cifarlab.utils.errors import CifarlabError


def test_who_watches():
    assert isinstance(choose_observer(False), Silent)
    assert isinstance(choose_observer(True), TuningDisplay)
    own = Silent()
    assert choose_observer(own) is own


def test_what_cannot_watch_is_refused():
    class Half:
        def begin(self, *_):
            pass

    with pytest.raises(CifarlabError, match="an observer that has end, judged, race, tick"):
        choose_observer(Half())


def test_nobody_minds(tmp_path):
    nobody = Silent()
    nobody.begin(tmp_path, [], 1)
    nobody.race("round 1", {}, 0, 1)
    nobody.tick()
    nobody.judged("", {})
    nobody.end()
