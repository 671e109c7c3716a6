/** Files of every kind that a viewer shows, as people have them and as an attacker writes them. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Hub } from '../../src/hub.ts'
import { fillRepo, type TestRepo } from '../support/world.ts'

const files = path.join(import.meta.dirname, 'files')

/** What would run where a page forgot to escape. */
export const script = `"><img src=drawing.svg onload=alert(1)><script>alert(2)</script>`

export function safetensors(header: string, data = 0): Buffer {
  const bytes = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([length, bytes, Buffer.alloc(data)])
}

/** Layers of a small model. */
export function layers(count: number): { header: string; data: number } {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt', note: script } }
  let at = 0
  for (let layer = 0; layer < count; layer++) {
    entries[`model.layers.${layer}.self_attn.q_proj.weight`] = {
      dtype: layer % 2 === 0 ? 'BF16' : 'F32',
      shape: [4, 8],
      data_offsets: [at, at + (layer % 2 === 0 ? 64 : 128)],
    }
    at += layer % 2 === 0 ? 64 : 128
  }
  return { header: JSON.stringify(entries), data: at }
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

/** `arrayLength` is what the list of words is said to have. */
export function gguf({ tensors = 1n, arrayLength = 3n }: { tensors?: bigint; arrayLength?: bigint } = {}): Buffer {
  return Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors),
    u64(3),
    ...[text('general.architecture'), u32(8), text('llama')],
    ...[text('llama.block_count'), u32(4), u32(32)],
    ...[text('tokenizer.ggml.tokens'), u32(9), u32(8), u64(arrayLength), text('<s>'), text(script), text('a')],
    ...[text('token_embd.weight'), u32(2), u64(64), u64(32), u32(2), u64(0)],
    Buffer.alloc(4096),
  ])
}

export const notebook = {
  nbformat: 4,
  metadata: { language_info: { name: 'python' } },
  cells: [
    { cell_type: 'markdown', source: ['# Berths\n', `The windows of *last week*. ${script}`] },
    {
      cell_type: 'code',
      execution_count: 1,
      source: ['import pandas as pd\n', `print("${'</script>'}", len("berths"))`],
      outputs: [{ output_type: 'stream', name: 'stdout', text: ['6\n', '<b>bold</b>'] }],
    },
    {
      cell_type: 'code',
      execution_count: 2,
      source: 'frame.plot()',
      outputs: [
        {
          output_type: 'display_data',
          data: { 'image/png': 'iVBORw0KGgo=', 'text/html': '<script>alert(3)</script>', 'text/plain': ['<Figure>'] },
        },
        { output_type: 'error', ename: 'KeyError', evalue: 'x', traceback: ['\u001b[31mKeyError\u001b[0m: x'] },
      ],
    },
  ],
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><script>alert(4)</script><rect width="120" height="40" fill="teal"/></svg>`

const rows = Array.from({ length: 230 }, (_, index) => `${index},"port, call ${index}",${index / 8}`).join('\n')

const python = `"""Reads berth plans."""
import json
from pathlib import Path

WINDOW = 3.5  # hours


def read(path: Path) -> list[dict]:
    """All calls of one day, as {'berth': 'M7'}."""
    with path.open() as file:
        return [json.loads(line) for line in file if not line.startswith("#")]


class Berth:
    name: str = "M7"
`

export async function fillViewerRepo(hub: Hub, repo: TestRepo, folder: string): Promise<string> {
  const small = layers(1100)
  const put = async (name: string, bytes: string | Buffer) => await writeFile(path.join(folder, name), bytes)
  await put(
    'guide.md',
    `# Guide\n\nSee [the plan](plan.py) and ![a quay](drawing.svg).\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n${script}\n`,
  )
  await put('plan.py', python)
  await put('calls.csv', `id,what ${script.replaceAll('"', '""')},hours\n${rows}\n`)
  await put('ragged.csv', `\ufeffa;b\n1;2;3\n4\n"open ${script.slice(2)}`)
  await put('calls.jsonl', `{"id":1,"what":"${'<b>'}","tags":["a"]}\n{"id":2,"extra":null}\nnot json\n[1,2]\n`)
  await put('records.json', JSON.stringify([{ a: 1, b: script }, { a: 2 }]))
  await put(
    'model.safetensors.index.json',
    JSON.stringify({ metadata: { total_size: 99 }, weight_map: { 'a.weight': 'one.safetensors', [script]: script } }),
  )
  await put('snappy.parquet', await readFile(path.join(files, 'snappy.parquet')))
  await put('zstd.parquet', await readFile(path.join(files, 'zstd.parquet')))
  await put('model.safetensors', safetensors(small.header, small.data))
  await put('model.gguf', gguf())
  await put('book.ipynb', JSON.stringify(notebook))
  await put('drawing.svg', svg)
  await put(
    'horn.wav',
    Buffer.concat([
      Buffer.from('RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0D\xac\0\0\x88X\x01\0\x02\0\x10\0data\0\0\0\0', 'latin1'),
    ]),
  )
  return await fillRepo(hub, repo, `cp -r '${folder}'/. . && git add -A && git commit -qm 'Files of every kind'`)
}
