/** The contents of the collection rounds, the same in every process: even ones are large files, odd ones Xet files that share xorbs. */
import { createHash } from 'node:crypto'
import type { Hub } from '../../src/hub.ts'
import { ingestRepo } from '../support/ingest.ts'
import { wholeFile } from '../support/stored-bytes.ts'
import { makeXorb, type TestFile, type TestXorb } from '../support/xet-upload.ts'

export const contentCount = 24
export const place = { repoId: ingestRepo, scope: 'a'.repeat(24) }

const known = new Map<number, { raw: Buffer; file: TestFile | null }>()

export function contentOf(index: number): { readonly raw: Buffer; readonly file: TestFile | null } {
  const found = known.get(index)
  if (found !== undefined) return found
  const file =
    index % 2 === 0 ? null : wholeFile(xorbNumber(index % 5), xorbNumber(100 + (index % 7)), xorbNumber(200 + index))
  const content = { raw: file?.raw ?? bytes(`object ${index}`, 20_000), file }
  known.set(index, content)
  return content
}

const xorbs = new Map<number, TestXorb>()

function xorbNumber(number: number): TestXorb {
  const found = xorbs.get(number)
  if (found !== undefined) return found
  const xorb = makeXorb([bytes(`chunk ${number} a`, 9_000), bytes(`chunk ${number} b`, 9_000)])
  xorbs.set(number, xorb)
  return xorb
}

function bytes(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest()
}

/** The collector that was killed holds its lease for minutes: here they have passed. */
export async function endLease(hub: Hub): Promise<void> {
  await hub.transaction((tx) => tx.deleteFrom('instance').where('key', '=', 'collector').execute())
}
