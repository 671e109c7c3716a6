"""Reads lines of JSON from standard input: {"value": ..., "protocol": n} is pickled, {"hex": ...} is a pickle. Prints for each the pickle and its
opcodes with their places, as pickletools lists them; "opcodes" is null where pickletools refuses."""
import json
import pickle
import pickletools
import sys


def revive(value):
    if isinstance(value, list):
        kind, items = value[0], value[1:]
        if kind == "list":
            return [revive(item) for item in items]
        if kind == "tuple":
            return tuple(revive(item) for item in items)
        if kind == "dict":
            return {f"key {index}": revive(item) for index, item in enumerate(items)}
        if kind == "bytes":
            return bytes.fromhex(items[0])
        if kind == "int":
            return int(items[0])
        if kind == "set":
            return {repr(item) for item in items}
    return value


for line in sys.stdin:
    sample = json.loads(line)
    data = bytes.fromhex(sample["hex"]) if "hex" in sample else pickle.dumps(revive(sample["value"]), protocol=sample["protocol"])
    try:
        opcodes = [[ord(opcode.code), place] for opcode, _, place in pickletools.genops(data)]
    except Exception:
        opcodes = None
    print(json.dumps({"hex": data.hex(), "opcodes": opcodes}))
