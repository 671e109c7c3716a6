/** The evaluation results that stand beside a card. */
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type EvalResult, loadEvalResults } from '../eval-results/service.ts'
import { signatureView } from '../signatures/service.ts'
import { inTime } from './in-time.ts'
import type { ResultView } from './results.tsx'

const mostShown = 30

/** Null where they are not there in time: the next view of the page has them. */
export async function loadResults(
  hub: Hub,
  allowed: Allowed<'repo.read'>,
  commit: string,
): Promise<ResultView[] | null> {
  const found = await inTime(hub.log, () => loadEvalResults(hub, allowed, commit))
  return found?.slice(0, mostShown).map(viewOf) ?? null
}

function viewOf(one: EvalResult): ResultView {
  const { task, dataset, metric, verification } = one
  const place = [dataset.name ?? dataset.id ?? task ?? 'result', metric].filter((part) => part !== null).join(', ')
  return {
    name: short(place),
    title: [one.model, task, dataset.name, dataset.id, metric].filter((part) => part !== null).join(' · '),
    value: one.value === null ? '–' : short(String(one.value)),
    commit: one.commit,
    signature: verification === null || verification.status === 'none' ? null : signatureView(verification),
    isKnown: verification !== null,
  }
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
