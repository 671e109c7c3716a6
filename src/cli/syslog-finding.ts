/** What `holdfast doctor` says of the syslog receiver: whether it can be reached, and what waits for it. */
import type { SyslogHealth } from '../features/syslog/service.ts'
import type { Finding } from './finding.ts'

export function syslogFinding({ state, waiting, isMore, fault }: SyslogHealth): Finding {
  const what = 'Syslog'
  const queue = `${isMore ? 'at least ' : ''}${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'}`
  const last =
    state?.lastSentAt == null ? 'nothing sent yet' : `last sent at ${new Date(state.lastSentAt).toISOString()}`
  const failing =
    state?.failingSince == null
      ? ''
      : ` The server has failed since ${new Date(state.failingSince).toISOString()}: ${state.lastError ?? ''}`
  if (fault === null && failing === '') return { what, state: 'ok', detail: `reached; ${last}, ${queue}` }
  return {
    what,
    state: 'look',
    detail: `${fault ?? 'It can be reached.'} ${last}, ${queue}.${failing}`,
    mend: 'Start the receiver, or check HOLDFAST_SYSLOG and HOLDFAST_SYSLOG_CA (docs/audit.md). Nothing is lost meanwhile: the audit log keeps it.',
  }
}
