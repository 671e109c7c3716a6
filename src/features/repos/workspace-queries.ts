/** The SQL of many repos that leave a workspace at one moment. */
import { sql } from 'kysely'
import type { Tx } from '../../platform/db/database.ts'

const rowsAtOnce = 2_000

/**
 * Takes all repos out of the workspace, deleted ones too, since they may come back. In pieces: no single statement is long, though all of
 * them are one change. Returns how many there were.
 */
export async function emptyWorkspace(tx: Tx, workspaceId: string): Promise<number> {
  let emptied = 0
  for (;;) {
    const { numAffectedRows = 0n } = await sql`update "repo" set "workspaceId" = null where "id" in (
      select "id" from "repo" where "workspaceId" = ${workspaceId} and "workspaceId" is not null order by "id" limit ${rowsAtOnce}
    )`.execute(tx)
    emptied += Number(numAffectedRows)
    if (numAffectedRows < rowsAtOnce) return emptied
  }
}
