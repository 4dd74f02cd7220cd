"""A small inference service in the shape of ComfyUI: workflows are queued with /prompt and run one after the other.

    main.py [--listen ADDRESS] [--port PORT]     serve
    main.py --self-test                          serve on a free port, run a workflow, check the picture, stop
"""

import argparse
import asyncio
import base64
import collections
import io
import platform
import sys
import uuid

import numpy as np
import onnxruntime
import psutil
from aiohttp import ClientSession, web
from PIL import Image

import nodes
import workflow

GREETING = "comfy example"


class Service:
    """The queue and its one worker."""

    def __init__(self):
        self.pending = collections.OrderedDict()
        self.running = None
        self.history = {}
        self.wake = asyncio.Event()

    async def work(self, _app):
        """Runs queued workflows for as long as the service lives."""
        task = asyncio.create_task(self._work())
        yield
        task.cancel()

    async def _work(self):
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.pending:
                self.running, graph = self.pending.popitem(last=False)
                try:
                    values = await asyncio.to_thread(workflow.run, graph)
                    files = {name: value for name, value in values.items() if isinstance(value, bytes)}
                    outputs = {name: base64.b64encode(value).decode() for name, value in files.items()}
                    self.history[self.running] = {"status": "success", "outputs": outputs}
                except Exception as error:  # A workflow that fails must not take the service with it.
                    self.history[self.running] = {"status": "error", "message": f"{type(error).__name__}: {error}"}
                self.running = None

    async def prompt(self, request):
        try:
            graph = (await request.json())["prompt"]
            workflow.order(graph)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        name = uuid.uuid4().hex
        self.pending[name] = graph
        self.wake.set()
        return web.json_response({"prompt_id": name, "number": len(self.pending)})

    async def queue(self, _request):
        running = [self.running] if self.running else []
        return web.json_response({"queue_running": running, "queue_pending": list(self.pending)})

    async def result(self, request):
        found = self.history.get(request.match_info["name"])
        return web.json_response(found) if found else web.json_response({}, status=404)

    async def system_stats(self, _request):
        memory = psutil.virtual_memory()
        return web.json_response({
            "greeting": GREETING,
            "system": {"os": sys.platform, "python_version": platform.python_version(), "ram_total": memory.total},
            "devices": [{"name": provider} for provider in onnxruntime.get_available_providers()],
            "nodes": sorted(nodes.NODES),
        })


def application():
    service = Service()
    app = web.Application()
    app.cleanup_ctx.append(service.work)
    app.add_routes([
        web.get("/history/{name}", service.result),
        web.get("/queue", service.queue),
        web.get("/system_stats", service.system_stats),
        web.post("/prompt", service.prompt),
    ])
    return app


async def self_test():
    """Runs a workflow over HTTP; returns None, or what is wrong."""
    runner = web.AppRunner(application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    graph = {
        "1": {"class_type": "Gradient", "inputs": {"width": 6, "height": 4}},
        "2": {"class_type": "Upscale", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "EncodePng", "inputs": {"image": ["2", 0]}},
    }
    try:
        async with ClientSession() as client:
            async with client.post(url + "/prompt", json={"prompt": {"1": {"class_type": "No"}}}) as answer:
                if answer.status != 400:
                    return f"got status {answer.status} for an unknown node, expected 400"
            async with client.post(url + "/prompt", json={"prompt": graph}) as answer:
                name = (await answer.json())["prompt_id"]
            for _ in range(600):
                async with client.get(f"{url}/history/{name}") as answer:
                    result = await answer.json()
                if result:
                    break
                await asyncio.sleep(0.1)
    finally:
        await runner.cleanup()
    if result.get("status") != "success":
        return f"got {result}, expected success"
    got = np.asarray(Image.open(io.BytesIO(base64.b64decode(result["outputs"]["3"]))))
    expected = (nodes.gradient(6, 4) * 255).round().astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    if not np.array_equal(got, expected):
        return f"got another picture of shape {got.shape}, expected the nearest-neighbour upscaling {expected.shape}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8188)
    parser.add_argument("--self-test", action="store_true")
    flags = parser.parse_args()
    if not flags.self_test:
        web.run_app(application(), host=flags.listen, port=flags.port)
        return 0
    problem = asyncio.run(self_test())
    print(f"error: self-test: {problem}" if problem else "self-test passed")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
