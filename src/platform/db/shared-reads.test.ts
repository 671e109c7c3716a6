import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Db, openDatabase } from './database.ts'
import { migrate } from './migrate.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const revoked = (db: Db): Promise<unknown> =>
  db.read.selectFrom('throttle').select('count').where('key', '=', 'revoked').executeTakeFirst()
const revoke = (db: Db): Promise<void> =>
  db.transaction(async (tx) => {
    await tx
      .insertInto('throttle')
      .values({ key: 'revoked', count: 1, windowStartedAt: 0, blockedUntil: null })
      .execute()
  })

test('AUTH-5: reads of one turn share a snapshot, and yet whoever saw a write acknowledged is answered with it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-reads-'))
  const [one, other] = [await openDatabase({ url: null, folder }), await openDatabase({ url: null, folder })]
  try {
    await migrate(one)
    let seen: unknown = null
    const writing = revoke(one).then(async () => {
      seen = await revoked(one)
    })
    // In a turn, timers come before the messages of workers: the read holds its snapshot open when the commit is acknowledged.
    while (seen === null) {
      await revoked(one)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await writing
    expect(seen).toEqual({ count: 1 })
    await nextTurn()
    expect(await revoked(other)).toBeDefined()
  } finally {
    await one.close()
    await other.close()
    await rm(folder, { recursive: true, force: true })
  }
})
