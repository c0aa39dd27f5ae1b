"""The whole way with the built-in network: the server says what the command line says, and shows saliency maps."""

import base64

import numpy as np
import pytest
from PIL import Image

from cifarlab.inference import prediction

pytestmark = pytest.mark.thorough


@pytest.fixture
def pictures(tmp_path) -> list:
    rng = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate(((32, 32), (300, 200), (64, 96))):
        small = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(paths[-1])
    return paths


@pytest.fixture
def real_client(make_client, tmp_path):
    from cifarlab.web.predictions.model_store import ModelStore
    from cifarlab.web.settings import Limits

    return make_client(store=ModelStore(tmp_path / "runs"), limits=Limits(request_seconds=300.0))


def test_the_api_says_what_predict_says(real_client, pictures):
    expected = prediction.predict(pictures, top=10)
    encoded = [base64.b64encode(path.read_bytes()).decode() for path in pictures]
    answer = real_client.post("/v1/predict", json={"images": encoded, "top_k": 10})
    assert answer.status_code == 200
    for told, own in zip(answer.json()["predictions"], expected, strict=True):
        probabilities = {each["class_name"]: each["probability"] for each in told["top"]}
        assert told["top"][0]["class_name"] == own.top[0].class_name
        for each in own.top:
            assert probabilities[each.class_name] == pytest.approx(each.probability, abs=1e-4)


def test_the_page_shows_where_it_looked(real_client, pictures):
    page = real_client.post("/classify", files={"picture": pictures[1].read_bytes()})
    assert page.status_code == 200
    assert "Grad-CAM" in page.text
    explanations = real_client.app.state.explanations._kept
    compiled = list(explanations.values())
    assert real_client.post("/classify", files={"picture": pictures[2].read_bytes()}).status_code == 200
    assert list(explanations.values()) == compiled  # nothing is compiled again
