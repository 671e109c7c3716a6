/** Lets a call through, or refuses it, by the limits of who pays for it, of whom it is for, of who makes it and of the token. */
import type { HttpRequest } from '../../access/http-request.ts'
import { accountOf, type Facts } from '../../domain/facts.ts'
import { limitFault, type Meter, meterHeaders, overMeter, tightestMeter } from '../../domain/inference-limits.ts'
import type { Hub } from '../../hub.ts'
import { organizationSettingsPath } from '../../web/address.ts'
import type { Billed } from './billing.ts'
import { inferenceMetricsOf } from './inference-metrics.ts'
import { type Spender, spendingOf } from './spending.ts'

/**
 * The last thing before a server is asked: what is refused for another reason takes nothing of a limit. Throws `rate_limit_exceeded` and
 * `insufficient_quota`. The headers tell of the window that ran out, else of the one that is closest to it.
 */
export async function admit(hub: Hub, facts: Facts, request: HttpRequest, billed: Billed): Promise<void> {
  const spender = spenderOf(facts, billed)
  if (spender === null) return
  const spending = spendingOf(hub)
  const meters = await spending.metersOf(spender)
  // Nothing is awaited from here on.
  const over = overMeter(meters())
  if (over !== null) {
    tell(request, over)
    inferenceMetricsOf(hub).limited(over.scope, over.name)
    throw limitFault(over, whoRaises(hub, over, billed))
  }
  spending.count(spender)
  const tightest = tightestMeter(meters())
  if (tightest !== null) tell(request, tightest)
}

export function spenderOf({ principal, credential }: Facts, { id, name, workspace }: Billed): Spender | null {
  const account = accountOf(principal)
  if (account === null) return null
  return {
    billed: { id, name },
    workspace,
    account,
    tokenId: credential?.kind === 'token' ? (credential.parent?.id ?? credential.id) : null,
  }
}

/** In place of the account's window: clients wait for the one that they are told of. */
function tell({ response }: HttpRequest, meter: Meter): void {
  for (const [name, value] of Object.entries(meterHeaders(meter))) response.setHeader(name, value)
}

function whoRaises(hub: Hub, { scope }: Meter, { name }: Billed): string {
  if (scope === 'person') {
    return 'An administrator of this hub sets it. Calls can be billed to an organization instead (X-HF-Bill-To).'
  }
  const page = new URL(organizationSettingsPath(name, 'inference-limits'), hub.config.publicUrl).href
  return `An administrator of ${name} can raise it: ${page}`
}
