/* Limits of inference, with every word that a stranger could have chosen passed through `words`. */
import { LimitsPage } from '../../src/features/inference/limit-pages.tsx'
import type { OwnLimit } from '../../src/features/inference/limits.ts'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'

export function limitSamples(context: PageContext, words: (text: string) => string): Record<string, PageNode> {
  const fresh = { values: {}, errors: {} }
  const none = { requestsPerMinute: null, requestsPerMonth: null, tokensPerMinute: null, tokensPerMonth: null }
  const some = { requestsPerMinute: 60, requestsPerMonth: 5_000, tokensPerMinute: null, tokensPerMonth: 2_000_000 }
  const use = { requestsPerMinute: 3, requestsPerMonth: 1_203, tokensPerMinute: 900, tokensPerMonth: 1_840_221 }
  const own: OwnLimit[] = [
    { id: 'w1', kind: 'workspace', name: words('Robotics'), amounts: some, use },
    { id: 'u1', kind: 'user', name: words('jonas'), amounts: some, use },
    { id: 's1', kind: 'service-account', name: words('nightly build'), amounts: none, use },
  ]
  const shown = {
    context,
    organization: words('acme'),
    limits: {
      organization: some,
      use,
      defaults: { workspace: none, member: some, 'service-account': none, token: none },
      version: '"v"',
    },
    own,
    total: 3,
    moreHref: null,
    firstHref: null,
    form: fresh,
    changing: null,
  }
  return {
    'inference-limits': <LimitsPage {...shown} />,
    'inference-limits-none': (
      <LimitsPage
        {...shown}
        limits={{ ...shown.limits, organization: none }}
        own={[]}
        total={0}
        form={{ values: { 'member.tokensPerMonth': words('many') }, errors: { 'member.tokensPerMonth': words('no') } }}
      />
    ),
    'inference-limits-change': (
      <LimitsPage {...shown} changing={{ kind: 'user', name: words('jonas'), amounts: some, form: fresh }} />
    ),
    'inference-limits-add': (
      <LimitsPage {...shown} changing={{ kind: 'user', name: null, amounts: none, form: fresh }} />
    ),
  }
}
