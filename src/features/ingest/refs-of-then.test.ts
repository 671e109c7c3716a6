/** Refs move on while a backup reads them: what it records is what they held at the moment of its rows. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { allowPush, commitFiles, ingestRepo, openIngestHub } from '../../../tests/support/ingest.ts'
import { systemOrigin } from '../../domain/event.ts'
import type { Hub } from '../../hub.ts'
import { listRefs, moveRefs } from '../../platform/git/refs.ts'
import { deleteRepository } from '../../platform/git/repository.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { describeMove } from './describe-move.ts'
import { openMoves, settleMoves } from './ref-move.ts'
import type { RefsOfThen } from './refs-of-then.ts'
import { changeRefs, watchRefs } from './service.ts'

let folder: string
let hub: Hub
const main = 'refs/heads/main'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-then-'))
  hub = await openIngestHub(join(folder, 'data'))
})
afterEach(async () => {
  await hub.close()
  await rm(folder, { recursive: true, force: true })
})

const commit = async (text: string): Promise<string> => (await commitFiles(hub, { file: text })).commit
const change = (ref: string, oldOid: string, newOid: string) =>
  changeRefs(hub, allowPush(), systemOrigin, [{ ref, oldOid, newOid }])
const now = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await listRefs(hub.git, ingestRepo)).map(({ ref, oid }) => [ref, oid]))

/** As a dump does it. */
async function snapshot(during: () => Promise<void> = async () => undefined): Promise<RefsOfThen> {
  const then = watchRefs(hub, hub.clock.now())
  await hub.db.snapshot(async (view) => {
    await during()
    for (const table of ['event', 'refIntent'] as const) {
      for (const row of await view.selectFrom(table).selectAll().execute()) then.see(table, { ...row })
    }
  })
  return then
}

async function refsOf(then: RefsOfThen): Promise<Record<string, string>> {
  return Object.fromEntries(((await then.refsAt(ingestRepo)) ?? []).map(({ ref, oid }) => [ref, oid]))
}

test('moves, new refs and deletions after the snapshot are taken back, those before it stay', async () => {
  const one = await commit('one')
  await change('refs/tags/v1', zeroOid, one)
  await change('refs/heads/side', zeroOid, one)
  const two = await commit('two')
  const before = await now()
  expect(before).toEqual({ [main]: two, 'refs/tags/v1': one, 'refs/heads/side': one })
  const then = await snapshot()
  expect(await refsOf(then)).toEqual(before)
  await commit('three')
  await commit('four')
  await change(main, (await now())[main] ?? '', one)
  await change('refs/heads/later', zeroOid, two)
  await change('refs/tags/v1', one, zeroOid)
  await change('refs/heads/side', one, zeroOid)
  await change('refs/heads/side', zeroOid, two)
  expect(await now()).not.toEqual(before)
  expect(await refsOf(then)).toEqual(before)
})

test('a move that the rows do not show is not in the refs either, though both came before the dump was read', async () => {
  const one = await commit('one')
  const then = await snapshot(async () => {
    await commit('two')
  })
  expect(await refsOf(then)).toEqual({ [main]: one })
})

test('a move that is made and not settled shows as not made; one whose intent the rows have shows as it is', async () => {
  const one = await commit('one')
  const then = await snapshot()
  const two = await commit('two')
  await change(main, two, one)
  const moves = [{ ref: main, oldOid: one, newOid: two }]
  const opened = await openMoves(hub, ingestRepo, moves, (move) =>
    describeMove(hub, allowPush(), systemOrigin, move, { via: 'api' }),
  )
  await moveRefs(hub.git, ingestRepo, moves)
  expect(await refsOf(then)).toEqual({ [main]: one })
  const open = await snapshot()
  expect(await refsOf(open)).toEqual({ [main]: two })
  await settleMoves(
    hub,
    ingestRepo,
    opened.map((move) => ({ move, hasMoved: true })),
    [],
  )
  expect(await refsOf(open)).toEqual({ [main]: two })
  await commit('three')
  expect(await refsOf(open)).toEqual({ [main]: two })
})

test('a repo without a repository', async () => {
  const then = await snapshot()
  await deleteRepository(hub.git, ingestRepo)
  expect(await then.refsAt(ingestRepo)).toBeNull()
})
