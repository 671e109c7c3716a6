/* Pages of inference, with every word that a stranger could have chosen passed through `words`. */
import { ServersPage, type ServersPageProps, type ServerView } from '../../src/features/inference/server-pages.tsx'
import { OrganizationUsagePage, OwnUsagePage, type UsageView } from '../../src/features/inference/usage-pages.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

type Words = (text: string) => string

export function inferenceSamples(
  context: PageContext,
  words: Words,
  repo: RepoView,
  now: number,
): Record<string, PageNode> {
  return { ...serverSamples(context, words, repo), ...usageSamples(context, words, now) }
}

function serverSamples(context: PageContext, words: Words, repo: RepoView): Record<string, PageNode> {
  const fresh = { values: {}, errors: {} }
  const server: ServerView = {
    ...{ id: words('b1'), url: words('http://gpu1.internal:8000'), kind: 'vllm', model: words('chat-v2'), weight: 3 },
    ...{ hasSecret: true, failures: 0, leftAloneMs: null },
  }
  const servers: ServerView[] = [
    server,
    { ...server, id: 'b2', kind: 'llama.cpp', model: null, weight: 1, hasSecret: false, failures: 2 },
    { ...server, id: 'b3', kind: 'ollama', failures: 5, leftAloneMs: 19_000 },
  ]
  const none: ServersPageProps = {
    context,
    repo,
    servers: [],
    revision: null,
    commit: null,
    madeFrom: '',
    form: fresh,
    changing: null,
    revisionForm: fresh,
    tried: { form: fresh, way: 'chat', answer: null },
    dialog: null,
    mayChange: true,
    mayTry: true,
  }
  const some: ServersPageProps = {
    ...none,
    servers,
    revision: words('v1.0'),
    commit: '4f'.repeat(20),
    madeFrom: '1700000000000',
  }
  const answer = { way: 'chat', isCut: true, counts: { tokensIn: 7, tokensOut: 3 }, tookMs: 182 } as const
  return {
    servers: (
      <ServersPage {...some} tried={{ form: fresh, way: 'chat', answer: { ...answer, text: words('Hello there') } }} />
    ),
    'servers: none': <ServersPage {...none} />,
    'servers: change, refused': (
      <ServersPage
        {...some}
        changing={server}
        form={{
          values: { url: words('http://x') },
          errors: { url: words('It is not let through.'), secret: words('Again.') },
          problem: words('No.'),
        }}
        revisionForm={{ values: { revision: words('v9') }, errors: { revision: words('There is none.') } }}
        tried={{
          form: { values: { text: words('Hello') }, errors: {}, problem: words('It failed.') },
          way: 'chat',
          answer: null,
        }}
      />
    ),
    'servers: remove': <ServersPage {...some} dialog={{ kind: 'remove', server }} />,
    'servers: end': <ServersPage {...some} dialog={{ kind: 'end' }} />,
    'servers: read only': <ServersPage {...some} mayChange={false} mayTry={false} />,
  }
}

function usageSamples(context: PageContext, words: Words, now: number): Record<string, PageNode> {
  const form = {
    values: { period: 'between', from: '2026-11-01', to: words('2026-11-22'), group_by: 'model' },
    errors: {},
  }
  const total = { calls: 1240, failed: 12, tokensIn: 81_000, tokensOut: 42_000, uncounted: 3, tookMs: 310_000 }
  const usage: UsageView = {
    by: 'model',
    from: now - 30 * 86_400_000,
    to: now,
    rows: [
      { ...total, label: words('acme/harbor-7b'), href: '/acme/harbor-7b' },
      { ...total, label: words('bob/own'), calls: 1, failed: 0, uncounted: 0 },
    ],
    total,
    more: 7,
  }
  const page = { context, form, groups: ['model', 'principal', 'day'], usage, exportHref: null } as const
  return {
    'usage of an organization': (
      <OrganizationUsagePage {...page} organization={words('acme')} exportHref="/api/organizations/acme/usage/export" />
    ),
    'usage: none': (
      <OrganizationUsagePage {...page} organization={words('acme')} usage={{ ...usage, rows: [], more: 0 }} />
    ),
    'own usage': <OwnUsagePage {...page} usage={{ ...usage, more: null }} />,
    'own usage, refused': (
      <OwnUsagePage
        {...page}
        form={{ values: { from: words('x') }, errors: { from: words('No day.') }, problem: words('No.') }}
        usage={null}
      />
    ),
  }
}
