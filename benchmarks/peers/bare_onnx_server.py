"""A bare FastAPI handler that calls onnxruntime: no queue, no batches, no limits, no checks.

    python benchmarks/peers/bare_onnx_server.py model.onnx --style async

What a tutorial shows: the picture is read, resized, given to the session, and the three most probable classes are
answered. `--style async` calls the session on the event loop, `threads` in FastAPI's pool of threads. Prints its port.
"""

import argparse
import io
import os
import socket
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the file of Keras's model.export(format='onnx')")
    parser.add_argument("--style", choices=("async", "threads"), default="async")
    arguments = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    # As where uvicorn opens the socket itself; without it every answer waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    app = make_app(arguments.model, arguments.style)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def make_app(model: str, style: str) -> FastAPI:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it reports to Microsoft
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inlet = session.get_inputs()[0]
    app = FastAPI()

    def classify(files: list[bytes]) -> dict[str, Any]:
        size = (inlet.shape[2], inlet.shape[1])
        pictures = [Image.open(io.BytesIO(file)).convert("RGB").resize(size) for file in files]
        logits = session.run(None, {inlet.name: np.stack([np.asarray(picture, np.float32) for picture in pictures])})[0]
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = weights / weights.sum(axis=1, keepdims=True)
        order = np.argsort(-chances, axis=1)[:, :3]
        return {
            "predictions": [
                {"top": [{"class": int(k), "probability": float(row[k])} for k in best]}
                for row, best in zip(chances, order, strict=True)
            ]
        }

    if style == "async":

        @app.post("/predict")
        async def predict_on_loop(images: list[UploadFile]) -> dict[str, Any]:
            return classify([await image.read() for image in images])
    else:

        @app.post("/predict")
        def predict_in_thread(images: list[UploadFile]) -> dict[str, Any]:
            return classify([image.file.read() for image in images])

    return app


if __name__ == "__main__":
    main()
