/** Prunes audited downloads when their time is over: a seal at a time, whose hashes stay, and the audit log says how far. */
import { z } from 'zod'
import type { Hub } from '../../hub.ts'
import { recordChainEvent } from './audit-book.ts'
import { linesOf, pruneAction } from './audit-format.ts'
import { pruneSeal, selectLastAnchor, selectPrunable, selectSealed } from './audit-queries.ts'

const dayMs = 86_400_000
const sealsAtOnce = 20
const throughShape = z.object({ through: z.number() })

export async function pruneAudited(hub: Hub, signal: AbortSignal): Promise<void> {
  const { downloadAuditDays } = hub.config
  if (downloadAuditDays === 0) return
  const until = hub.clock.now() - downloadAuditDays * dayMs
  const last = await selectLastAnchor(hub.db, pruneAction)
  let through = last === null ? 0 : throughShape.parse(JSON.parse(last)).through
  for (;;) {
    signal.throwIfAborted()
    const seals = await selectPrunable(hub.db, through, until, sealsAtOnce)
    const end = seals.at(-1)
    if (end === undefined) return
    await hub.transaction(async (tx) => {
      const records = await selectSealed(tx, through + 1, end.number)
      for (const { number } of seals) {
        const lines = linesOf(records.filter(({ seal }) => seal === number))
        await pruneSeal(tx, number, lines)
      }
      await recordChainEvent(hub, tx, pruneAction, { through: end.number })
    })
    through = end.number
  }
}
