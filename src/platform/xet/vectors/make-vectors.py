"""Makes python.json: what the real Python client sends for data that anybody can make again.

    pip install hf_xet
    python make-vectors.py > python.json

A recorder on this machine takes the place of the server; nothing leaves it. The data comes from the generators below, which
data.ts repeats, so that the file holds no raw data.
"""

import base64
import hashlib
import http.server
import importlib.metadata
import json
import os
import struct
import tempfile
import threading
import time

os.environ["HF_HOME"] = tempfile.mkdtemp()
os.environ["HF_XET_CACHE"] = tempfile.mkdtemp()

import hf_xet  # noqa: E402  (reads its cache folder when it is loaded)


def random_bytes(seed, length):
    blocks = (hashlib.sha256(f"{seed}:{index}".encode()).digest() for index in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def text_bytes(seed, length):
    rows, size, index = [], 0, 0
    while size < length:
        value = hashlib.sha256(f"{seed}:{index}".encode()).digest()
        rows.append(f"{index},label-{value[0] % 7},{value.hex()[:6]}\n".encode())
        size += len(rows[-1])
        index += 1
    return b"".join(rows)[:length]


def weight_bytes(seed, length):
    """bf16 numbers with about a normal distribution."""
    parts = struct.iter_unpack("<4H", random_bytes(seed, -(-length // 2) * 8))
    return b"".join(struct.pack("<f", (sum(part) - 131070) * 2.0**-22)[2:] for part in parts)[:length]


GENERATORS = {
    "random": random_bytes,
    "text": text_bytes,
    "weights": weight_bytes,
    "zeros": lambda _seed, length: bytes(length),
}

# name: kind, seed, length
DATA = {
    "empty": ("zeros", "-", 0),
    "byte": ("random", "byte", 1),
    "short": ("text", "short", 1000),
    "random": ("random", "random", 20_001),
    "text": ("text", "text", 150_000),
    "weights": ("weights", "weights", 150_002),
    "odd weights": ("weights", "odd", 9_999),
    "zeros": ("zeros", "-", 300_000),
    "many chunks": ("random", "many", 6 << 20),
    "many rows": ("text", "rows", 2 << 20),
    # Searched for: the gear hash has a boundary here, around the least length of a chunk.
    "boundary at 8128": ("random", "edge8128-17723", 30_000),
    "boundary at 8190": ("random", "edge8190-95276", 30_000),
    "boundary at 8191": ("random", "edge8191-37385", 30_000),
    "boundary at 8192": ("random", "edge8192-45319", 30_000),
    "boundary at 8193": ("random", "edge8193-160169", 30_000),
}

# The bytes of xorbs up to this size are kept; of larger ones the chunk list in the shard is enough.
KEEP_XORB = 130_000

RUNS = [
    ("auto", ["empty", "byte", "short", "random", "text", "zeros"]),
    ("auto", ["weights"]),
    ("auto", ["empty"]),
    ("none", ["text", "zeros"]),
    ("lz4", ["odd weights", "random", "short"]),
    ("bg4-lz4", ["odd weights", "random", "short", "byte"]),
    ("none", ["many chunks"]),
    ("auto", ["many rows"]),
    ("none", [name for name in DATA if name.startswith("boundary")]),
]


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = []

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        known = self.command == "POST" and ("/v1/xorbs/" in self.path or "/v1/shards" in self.path)
        if known:
            Recorder.requests.append((self.path, body))
        reply = json.dumps({"was_inserted": True, "result": 1} if known else {}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_HEAD = answer


def record(number, policy, names, port):
    Recorder.requests = []
    config = hf_xet.XetConfig().with_config({"xorb.compression_policy": policy, "telemetry.enabled": False})
    # Another address for each run, so that the client's cache of one does not shorten the next.
    commit = hf_xet.XetSession(config).new_upload_commit(
        endpoint=f"http://127.0.0.1:{port}/{number}", token="none", token_expiry_unix_secs=int(time.time()) + 3600
    )
    uploads = []
    for name in names:
        kind, seed, length = DATA[name]
        uploads.append(commit.start_upload_bytes(GENERATORS[kind](seed, length), name=name))
        # One after the other: the order of the chunks in the xorb is then always the same.
        uploads[-1].result()
    commit.wait_to_finish()
    xorbs, shards = [], []
    for path, body in Recorder.requests:
        if "/v1/shards" in path:
            shards.append(base64.b64encode(body).decode())
        else:
            kept = base64.b64encode(body).decode() if len(body) <= KEEP_XORB else None
            xorbs.append({"hash": path.rsplit("/", 1)[1], "size": len(body), "bytes": kept})
    files = [{"name": name, "hash": upload.result().xet_info.hash} for name, upload in zip(names, uploads)]
    return {"policy": policy, "files": files, "xorbs": xorbs, "shards": shards}


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    data = {name: {"kind": kind, "seed": seed, "length": length} for name, (kind, seed, length) in DATA.items()}
    runs = [record(number, *run, server.server_port) for number, run in enumerate(RUNS)]
    client = f"hf_xet {importlib.metadata.version('hf_xet')}"
    print(json.dumps({"client": client, "data": data, "runs": runs}, indent=1))


main()
