/** A repo as people have them: a card, code, large files, a folder, a picture, a branch and a tag. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { formatLfsPointer } from '../../src/domain/lfs-pointer.ts'
import { linkBlob, prepareBlob } from '../../src/features/storage/service.ts'
import type { Hub } from '../../src/hub.ts'
import { fillRepo, type TestRepo } from './world.ts'

const card = `---
license: apache-2.0
language:
- en
- nl
pipeline_tag: text-generation
library_name: transformers
tags:
- port-logistics
base_model: acme/harbor-base
datasets:
- acme/port-calls
---
# Harbor 7B

A 7.6-billion-parameter instruction model for port logistics. It reads berth plans, notices of readiness and stowage lists, answers
questions about them in English and Dutch, and drafts the messages that a broker sends to a terminal.

![A quay, drawn](images/quay.png)

## Intended use

- Question answering over port-call documents of up to 32,000 tokens.
- Drafting, with a person who reads before sending.
- Not for collision avoidance, navigation or any decision on board.

## How to use

\`\`\`python
from transformers import pipeline

chat = pipeline("text-generation", model="acme/harbor-7b", dtype="bfloat16")
chat([{"role": "user", "content": "When may MV Skagen berth at Maasvlakte? Answer with the window, the berth and the tide."}])
\`\`\`

## Training data

2.1 million port calls of 2019 to October 2026 from [acme/port-calls](/datasets/acme/port-calls), see
[the list of sources](docs/sources.md) and [the paper](https://papers.example/harbor).

## Evaluation

| Benchmark | Metric | v1.1 | v1.2 |
|---|---|--:|--:|
| PortCall-QA | exact match | 71.4 | 78.9 |
| BerthPlan | F1 | 83.0 | 86.2 |

> Berth numbering elsewhere is often misread.

- [x] Names of crew removed
- [ ] Other continents
`

export const largeFile = Buffer.alloc(3_000_000, 'weights ')
export const largeFileSha256 = createHash('sha256').update(largeFile).digest('hex')

/** 120 × 40 pixels. */
const picture =
  'iVBORw0KGgoAAAANSUhEUgAAAHgAAAAoCAIAAAC6iKlyAAAA10lEQVR42u3MUUYFABiE0VlTK+k5SZJcySdJklxJkiRJkitXkrSUltUOmv9pnobzfKQtKkHbVIJ2qATtUgnaoxK0TyXogErQgkrQIZWgIypBUAk6phJ0QiXolErQGZWgcypBF1SCLqkELakEXVEJuqYSdEMl6JZK0B2V8Lu5Yekeq48xih6w+hij6BGrjzGKnrD6GKPoGauPMYpesPoYo+gVq48xit6w+hijaIXVxxhF71h9jFG0xupjjKIPrD7GKPrE6mOMoi+sPsYo+sbqY4yiH6w+//sDsxF9j6R7/zcAAAAASUVORK5CYII='

const script = `
  export GIT_AUTHOR_NAME='Mara Lindqvist' GIT_AUTHOR_EMAIL=mara@example.com GIT_COMMITTER_NAME='Mara Lindqvist' GIT_COMMITTER_EMAIL=mara@example.com
  cat > README.md <<'END'
${card}END
  printf '%s' '${formatLfsPointer({ sha256: largeFileSha256, size: largeFile.length })}' > model-00001-of-00002.safetensors
  printf '%s' '${formatLfsPointer({ sha256: 'ab'.repeat(32), size: 4_940_000_000 })}' > model-00002-of-00002.safetensors
  printf '*.safetensors filter=lfs diff=lfs merge=lfs -text\\n' > .gitattributes
  mkdir -p images docs/notes && printf '%s' '${picture}' | base64 -d > images/quay.png
  printf '# Sources\\n\\nPorts of the North Sea.\\n' > docs/sources.md
  printf 'x\\n' > docs/notes/one.txt
  printf '{\\n  "model_type": "llama",\\n  "torch_dtype": "float32",\\n  "hidden_size": 4096\\n}\\n' > config.json
  head -c 3000 /dev/urandom > tokenizer.model
  git add -A && git commit -qm 'First files'
  git tag v1.1
  seq 1 400 > eval.py
  git add -A && git commit -qm 'Port-call benchmark, five seeds' -m 'The seeds are those of the paper.

Reviewed-by: Jonas <jonas@example.org>'
  git branch next
  sed -i 's/float32/bfloat16/' config.json && git rm -q docs/notes/one.txt && sed -i 's/^200$/two hundred/; 300d' eval.py && echo 401 >> eval.py && git mv docs/sources.md docs/data-sources.md
  git commit -qam 'Retrain on October port calls, bf16'
`

/** Fills `repo` and lets the hub read its card. Gives the commit at \`main\`. */
export async function fillDemoRepo(hub: Hub, repo: TestRepo): Promise<string> {
  const blob = { sha256: largeFileSha256, size: largeFile.length }
  await prepareBlob(hub, blob)
  await hub.blobs.put(Readable.from([largeFile]), blob)
  await hub.transaction((tx) => linkBlob(tx, repo.id, blob, hub.clock.now()))
  const head = await fillRepo(hub, repo, script)
  await hub.transaction((tx) =>
    tx.updateTable('repo').set({ headCommit: head, usedStorage: 4_943_000_000 }).where('id', '=', repo.id).execute(),
  )
  return head
}
