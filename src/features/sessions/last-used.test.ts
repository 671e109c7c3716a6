/** AUTH-11: the last use of each credential, over a restart; and what keeps a session alive. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { startHub } from '../../../tests/support/start-hub.ts'
import { systemClock } from '../../platform/clock.ts'

it('is written with address and program, and moves the end of a session ahead', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-last-used-'))
  let time = Date.now()
  const clock = systemClock(() => time)
  const day = 24 * 3_600_000
  try {
    const first = await startHub({ folder, clock })
    const user = await makeUser(first, 'mara', { password: 'a long enough sentence', tokenRole: 'read' })
    const cookie = await signInAs(first, user)
    time += 20 * day
    const headers = { 'user-agent': 'a test' }
    const used = [{ authorization: `Bearer ${user.token}` }, { cookie }].map((credential) =>
      fetch(`${first.url}/api/whoami-v2`, { headers: { ...headers, ...credential } }),
    )
    expect((await Promise.all(used)).map((response) => response.status)).toEqual([200, 200])
    await first.stop()

    const second = await startHub({ folder, clock })
    const token = await second.hub.db.read.selectFrom('accessToken').selectAll().executeTakeFirst()
    expect(token).toMatchObject({ lastUsedAt: time, lastIp: '127.0.0.1', lastUserAgent: 'a test' })
    // 40 days after signing in, 20 after the last use: a session of 30 days is still good.
    time += 20 * day
    expect((await fetch(`${second.url}/api/whoami-v2`, { headers: { cookie } })).status).toBe(200)
    time += 31 * day
    expect((await fetch(`${second.url}/api/whoami-v2`, { headers: { cookie } })).status).toBe(401)
    await second.stop()
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
})
