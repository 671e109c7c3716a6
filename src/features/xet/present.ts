/**
 * The JSON of reconstructions, written piece by piece: that of a large file has thousands of addresses. `range` and `chunks` end before
 * their end, `bytes` and `url_range` include it (xet.md 1.3).
 */
import type { Hub } from '../../hub.ts'
import type { FileTerm } from '../storage/service.ts'
import type { SignRange } from './fetch-address.ts'
import { type ChunkRange, type FetchRange, fetchRanges, merged, type Reconstruction } from './reconstruct.ts'

export type Version = 'v1' | 'v2'

const termsInOnePiece = 200
const addressesInOnePiece = 100

/** The answer for one file. */
export async function* presentReconstruction(
  hub: Hub,
  version: Version,
  { offset, terms, xorbs }: Reconstruction,
  sign: SignRange,
): AsyncGenerator<string> {
  yield `{"offset_into_first_range":${offset},"terms":[`
  yield* presentTerms(terms)
  yield `],"${version === 'v1' ? 'fetch_info' : 'xorbs'}":{`
  yield* presentXorbs(hub, version, xorbs, sign)
  yield '}}'
}

/** The answer for several files: addresses of all of them, in the form of the first version. */
export async function* presentBatch(
  hub: Hub,
  files: ReadonlyMap<string, Reconstruction>,
  sign: SignRange,
): AsyncGenerator<string> {
  yield '{"files":{'
  let isFirst = true
  for (const [hash, { terms }] of files) {
    yield `${isFirst ? '' : ','}"${hash}":[`
    yield* presentTerms(terms)
    yield ']'
    isFirst = false
  }
  yield '},"fetch_info":{'
  const ranges = new Map<string, ChunkRange[]>()
  for (const { xorbs } of files.values()) {
    for (const [xorb, more] of xorbs) ranges.set(xorb, merged([...(ranges.get(xorb) ?? []), ...more]))
  }
  yield* presentXorbs(hub, 'v1', ranges, sign)
  yield '}}'
}

function* presentTerms(terms: readonly FileTerm[]): Generator<string> {
  for (let at = 0; at < terms.length; at += termsInOnePiece) {
    const piece = terms
      .slice(at, at + termsInOnePiece)
      .map(
        ({ xorb, rawLength, start, end }) =>
          `{"hash":"${xorb}","unpacked_length":${rawLength},"range":{"start":${start},"end":${end}}}`,
      )
    yield (at === 0 ? '' : ',') + piece.join(',')
  }
}

async function* presentXorbs(
  hub: Hub,
  version: Version,
  xorbs: Reconstruction['xorbs'],
  sign: SignRange,
): AsyncGenerator<string> {
  let isFirst = true
  for (const [xorb, chunkRanges] of xorbs) {
    yield `${isFirst ? '' : ','}"${xorb}":[`
    const ranges = await fetchRanges(hub, xorb, chunkRanges)
    for (let at = 0; at < ranges.length; at += addressesInOnePiece) {
      const piece = ranges
        .slice(at, at + addressesInOnePiece)
        .map((range) => entry(version, range, sign(xorb, range.bytes)))
      yield (at === 0 ? '' : ',') + piece.join(',')
    }
    yield ']'
    isFirst = false
  }
}

function entry(version: Version, { chunks, bytes }: FetchRange, url: string): string {
  const ofChunks = `{"start":${chunks.start},"end":${chunks.end}}`
  const ofBytes = `{"start":${bytes.start},"end":${bytes.end - 1}}`
  return version === 'v1'
    ? `{"range":${ofChunks},"url":${JSON.stringify(url)},"url_range":${ofBytes}}`
    : `{"url":${JSON.stringify(url)},"ranges":[{"chunks":${ofChunks},"bytes":${ofBytes}}]}`
}
