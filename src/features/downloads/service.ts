/** What other features may use of downloads: noting one, and the lists of who made them. */
import type { Hub } from '../../hub.ts'
import { budgetOf } from './budget.ts'
import { recorderOf } from './record.ts'

export { startDownloadAudit } from './audit-book.ts'
export { exportAudited } from './audit-list.ts'
export { type DownloadReport, verifyDownloads } from './audit-verify.ts'
export { bytesLeft, refuseUncounted } from './budget.ts'
export { Flusher } from './flusher.ts'
export { downloadJobs, scheduleForgetting } from './jobs.ts'
export { type LatestOfContent, loadLatestDownloads } from './latest.ts'
export { downloadsOfOrganization, downloadsOnHub } from './paths.ts'
export { type Download, gitFetch, noteDownload } from './record.ts'

/** What is gathered is written when the server stops. */
export function startDownloadRecords(hub: Hub): { stop(): Promise<void> } {
  return {
    stop: async () => {
      await budgetOf(hub).stop()
      await recorderOf(hub).stop()
    },
  }
}
