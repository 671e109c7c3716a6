/** What goes wrong in the database is told as what it is: later it may work, and nobody is to think that their request was broken. */
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { makeUser } from '../../tests/support/accounts.ts'
import { dialects } from '../../tests/support/databases.ts'
import { startHub } from '../../tests/support/start-hub.ts'
import { DatabaseError } from '../platform/db/errors.ts'
import { asHoldfastError } from './error-reply.ts'
import type { HttpRequest } from './http-request.ts'

test.runIf(dialects.includes('postgres'))(
  'what somebody else holds for too long: nothing was changed, 503, and when to come again',
  { timeout: 60_000 },
  async () => {
    const at = await startHub({ dialect: 'postgres' })
    try {
      const { token } = await makeUser(at, 'ada', { tokenRole: 'write' })
      const create = (name: string) =>
        fetch(`${at.url}/api/organizations`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ name }),
        })
      let release: () => void = () => undefined
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const holding = at.hub.db.transaction(
        async (tx) => {
          await tx
            .insertInto('namespace')
            .values({ id: '0'.repeat(24), kind: 'user', name: 'wanted', nameKey: 'wanted', createdAt: 0 })
            .execute()
          await released
        },
        { timeLimitMs: 40_000 },
      )
      const answer = await create('wanted')
      release()
      await holding
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('2')
      expect(await answer.json()).toMatchObject({ code: 'busy' })
      expect((await create('another')).status).toBe(201)
    } finally {
      await at.stop()
    }
  },
)

test.each([
  [new DatabaseError('timeout', 'It took too long.'), 'busy'],
  [Object.assign(new Error('x'), { code: '40P01' }), 'busy'],
  [Object.assign(new Error('x'), { code: 'SQLITE_BUSY' }), 'busy'],
  [new DatabaseError('unavailable', 'The worker died.'), 'database_unreachable'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'database_unreachable'],
  [new DatabaseError('misuse', 'A mistake of ours.'), 'internal'],
])('%s is told as %s', (thrown, code) => {
  const request = { origin: { requestId: 'r' }, method: 'GET', path: '/' } as HttpRequest
  const error = asHoldfastError(thrown, request, pino({ level: 'silent' }))
  expect(error.code).toBe(code)
  expect(error.status).toBe(code === 'internal' ? 500 : 503)
})
