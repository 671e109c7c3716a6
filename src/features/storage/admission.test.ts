/** What is remembered of import sets: never at the price of an answer. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeOrganization, makeUser } from '../../../tests/support/accounts.ts'
import { startHub } from '../../../tests/support/start-hub.ts'
import { judgeSets } from './admission.ts'

const idOf = (number: number): string => createHash('sha256').update(`set ${number}`).digest('hex')

// Story: the memory was emptied between the question which sets it lacks and the answer from it: sets that the list admits were refused, at random.
test('sets that fall out of the memory while others come into it keep their verdict', async () => {
  const running = await startHub()
  try {
    const { hub } = running
    const acme = await makeOrganization(running, 'acme', await makeUser(running, 'ada'))
    const all = Array.from({ length: 2_600 }, (_, number) => idOf(number))
    await hub.transaction(async (tx) => {
      await tx.updateTable('organization').set({ pickleAllowList: 'acme.*' }).where('id', '=', acme.id).execute()
      for (let at = 0; at < all.length; at += 200) {
        const rows = all.slice(at, at + 200).map((id) => ({ id, imports: '[["acme.net","Net"]]', barred: null }))
        await tx.insertInto('importSet').values(rows).execute()
      }
    })
    const isAdmitted = async (ids: readonly string[]) =>
      [...(await judgeSets(hub, acme.id, 'refuse', ids)).values()].every((one) => one.isAdmitted)
    expect(await isAdmitted(all.slice(0, 1_500))).toBe(true)
    const [first = ''] = all
    expect(await isAdmitted([first, ...all.slice(1_500, 2_400)])).toBe(true)
    const both = await Promise.all([isAdmitted(all.slice(0, 1_400)), isAdmitted(all.slice(1_000, 2_600))])
    expect(both).toEqual([true, true])
    expect((await judgeSets(hub, acme.id, 'refuse', ['unknown'])).get('unknown')).toMatchObject({ isAdmitted: false })
  } finally {
    await running.stop()
  }
})
