"""Writes what Python's own writers, lz4, py7zr and joblib make of bytes, and a list of what lies in each: FOLDER PAYLOAD_IN_HEX"""
import bz2
import hashlib
import io
import json
import lzma
import os
import random
import sys
import zipfile

import joblib
import lz4.frame
import py7zr

folder, payload = sys.argv[1], bytes.fromhex(sys.argv[2])
os.chdir(folder)
random.seed(7)
words = [bytes(random.choices(b"abcdefghij ", k=random.randint(1, 9))) for _ in range(500)]
text = b"".join(random.choices(words, k=40_000))
noise = random.randbytes(70_000)
with open(sys.executable, "rb") as file:
    program = file.read(300_000)
contents = {
    "text": text,
    "noise": noise,
    "zeros": bytes(1_500_000),
    "runs": b"".join(bytes([byte % 7]) * (byte % 300) for byte in range(2_000)),
    "program": program,
    "one": b"x",
    "empty": b"",
    "payload": payload + text,
}
listed = []


def write(name, packed, unpacked, compression):
    with open(name, "wb") as file:
        file.write(packed)
    listed.append({"name": name, "compression": compression, "sha256": hashlib.sha256(unpacked).hexdigest()})


def alone(content, size=None):
    packed = lzma.compress(content, lzma.FORMAT_ALONE)
    return packed if size is None else packed[:5] + size.to_bytes(8, "little") + packed[13:]


x86 = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
odd = [{"id": lzma.FILTER_LZMA2, "lc": 0, "lp": 4, "pb": 0, "dict_size": 1 << 16}]
for kind, content in contents.items():
    for level in (1, 9):
        write(f"{kind}-{level}.bz2", bz2.compress(content, level), content, "bzip2")
    write(f"{kind}-twice.bz2", bz2.compress(content) + bz2.compress(content), content * 2, "bzip2")
    for preset in (0, 6, 9 | lzma.PRESET_EXTREME):
        write(f"{kind}-{preset & 15}.xz", lzma.compress(content, preset=preset), content, "xz")
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256):
        write(f"{kind}-check{check}.xz", lzma.compress(content, check=check), content, "xz")
    write(f"{kind}-x86.xz", lzma.compress(content, filters=x86), content, "xz")
    write(f"{kind}-odd.xz", lzma.compress(content, filters=odd), content, "xz")
    write(f"{kind}-twice.xz", lzma.compress(content) + bytes(8) + lzma.compress(content), content * 2, "xz")
    write(f"{kind}.lzma", alone(content), content, "lzma")
    write(f"{kind}-sized.lzma", alone(content, len(content)), content, "lzma")
    for number, options in enumerate(
        (
            {},
            {"block_linked": False, "block_checksum": True},
            {"block_size": lz4.frame.BLOCKSIZE_MAX4MB, "content_checksum": True, "compression_level": 12},
            {"store_size": False, "block_size": lz4.frame.BLOCKSIZE_MAX64KB},
        )
    ):
        write(f"{kind}-{number}.lz4", lz4.frame.compress(content, **options), content, "lz4")
    write(f"{kind}-twice.lz4", lz4.frame.compress(content) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + lz4.frame.compress(content), content * 2, "lz4")

with open("list.json", "w") as file:
    json.dump(listed, file)

# What a scan must find, whatever the archive.
os.mkdir("found")
os.chdir("found")
hidden = payload + text
for name, packed in (
    ("bad.pkl.bz2", bz2.compress(hidden)),
    ("bad.pkl.xz", lzma.compress(hidden)),
    ("bad.pkl.lzma", alone(hidden)),
    ("bad-sized.pkl.lzma", alone(hidden, len(hidden))),
    ("bad.pkl.lz4", lz4.frame.compress(hidden)),
    ("bad.pkl.xz.bz2.lz4", lz4.frame.compress(bz2.compress(lzma.compress(hidden)))),
):
    with open(name, "wb") as file:
        file.write(packed)
for method in ("ZIP_BZIP2", "ZIP_LZMA"):
    with zipfile.ZipFile(f"bad-{method}.zip", "w", getattr(zipfile, method)) as archive:
        archive.writestr("other.txt", text)
        archive.writestr("model.pkl", hidden)
methods = {
    "default": None,
    "copy": [{"id": py7zr.FILTER_COPY}],
    "lzma": [{"id": py7zr.FILTER_LZMA}],
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "x86-lzma": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "zstd": [{"id": py7zr.FILTER_ZSTD, "level": 3}],
}
for name, filters in methods.items():
    with py7zr.SevenZipFile(f"bad-{name}.7z", "w", filters=filters) as archive:
        archive.writestr(text, "first.txt")
        archive.writestr(b"", "empty.txt")
        archive.writestr(hidden, "folder/model.pkl")
        archive.writestr(noise, "last.bin")
with open("bad-7z-in-zip.zip", "wb") as file, open("bad-lzma2.7z", "rb") as inner, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("inner.7z", inner.read())
os.chdir("..")
os.mkdir("partly")
os.chdir("partly")
with py7zr.SevenZipFile("encrypted.7z", "w", password="secret") as archive:
    archive.writestr(hidden, "model.pkl")
with py7zr.SevenZipFile("ppmd.7z", "w", filters=[{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}]) as archive:
    archive.writestr(hidden, "model.pkl")
with open("delta.xz", "wb") as file:
    file.write(lzma.compress(hidden, filters=[{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2}]))
os.chdir("..")
os.mkdir("honest")
os.chdir("honest")
for method in ("bz2", "xz", "lzma", "lz4", "gzip", "zlib"):
    joblib.dump({"weights": [1.0, 2.0], "name": "x" * 1000}, f"honest-{method}.joblib", compress=(method, 3))
with py7zr.SevenZipFile("honest.7z", "w") as archive:
    archive.writestr(text, "readme.txt")
