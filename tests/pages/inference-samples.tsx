/* Pages of inference, with every word that a stranger could have chosen passed through `words`. */
import { ServersPage } from '../../src/features/inference/server-pages.tsx'
import type {
  EmbeddedView,
  RunningView,
  ServersPageProps,
  ServerView,
} from '../../src/features/inference/server-view.ts'
import { waysOfEmbedded, waysOfServers } from '../../src/features/inference/try-ways.ts'
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
  return {
    ...serverSamples(context, words, repo),
    ...embeddedSamples(context, words, repo),
    ...usageSamples(context, words, now),
  }
}

const fresh = { values: {}, errors: {} }
const couldRun: EmbeddedView = {
  ...{ isInstalled: true, command: 'npm install --no-save library', most: 2 ** 31, running: null, form: fresh },
}

function emptyPage(context: PageContext, repo: RepoView): ServersPageProps {
  return {
    context,
    repo,
    servers: [],
    embedded: couldRun,
    revision: null,
    commit: null,
    madeFrom: '',
    form: fresh,
    changing: null,
    revisionForm: fresh,
    tried: { form: fresh, ways: waysOfServers, mask: '[MASK]', imageAddress: null, answer: null },
    dialog: null,
    mayChange: true,
    mayTry: true,
  }
}

/** The hub runs it: each state, and what each task asks for. */
function embeddedSamples(context: PageContext, words: Words, repo: RepoView): Record<string, PageNode> {
  const loaded: RunningView = {
    ...{ state: 'loaded', bytes: 90_000_000, of: 90_000_000, memory: 120_000_000, why: null, notRunnable: null },
    ...{ hasFiles: true, graph: { dtype: 'fp32', weights: 90_000_000, task: words('question-answering') } },
  }
  const empty = emptyPage(context, repo)
  const page = (running: Partial<RunningView>, more: Partial<ServersPageProps> = {}, isInstalled = true) => (
    <ServersPage
      {...empty}
      madeFrom="1700000000000"
      embedded={{ ...couldRun, isInstalled, running: { ...loaded, ...running } }}
      {...more}
    />
  )
  const tried = (...tasks: Parameters<typeof waysOfEmbedded>[0]) => ({ ...empty.tried, ways: waysOfEmbedded(tasks) })
  const answer = {
    ...({ way: 'question-answering', isCut: false, counts: { tokensIn: null, tokensOut: null } } as const),
    ...{ tookMs: 40, text: words('Paris') },
  }
  const refused = { ...fresh, problem: words('This hub cannot run this model: it has no config.json.') }
  return {
    'embedded: loaded': page(
      {},
      {
        ...{ revision: words('v1.0'), commit: '4f'.repeat(20) },
        tried: { ...tried('question-answering'), answer },
      },
    ),
    'embedded: not loaded': page({ state: 'not loaded' }, { tried: tried('embedding', 'sentence-similarity') }),
    'embedded: loading': page(
      { state: 'loading', bytes: 30_000_000 },
      { tried: { ...tried('fill-mask'), mask: words('<mask>') } },
    ),
    'embedded: looked up': page(
      { state: 'loading', bytes: 0, of: 0, graph: null },
      { tried: tried(), dialog: { kind: 'end' } },
    ),
    'embedded: failed': page(
      { state: 'failed', why: words('its graph is broken.') },
      {
        tried: {
          ...tried('zero-shot-classification'),
          form: { values: { text: words('A'), more: words('b') }, errors: { more: words('None.') } },
        },
      },
    ),
    'embedded: images': page(
      { graph: { dtype: 'q8', weights: 1_000, task: null } },
      { tried: { ...empty.tried, ways: [], imageAddress: words('https://hub/models/acme/eyes') } },
    ),
    'embedded: cannot be run': page({ notRunnable: words('it has no graph in ONNX.'), graph: null }),
    'embedded: no files, no library': page({ state: 'not loaded', hasFiles: false, graph: null }, {}, false),
    'embedded: refused': <ServersPage {...empty} embedded={{ ...couldRun, form: refused }} />,
    'embedded: could not': <ServersPage {...empty} embedded={{ ...couldRun, isInstalled: false }} />,
    'embedded: read only': page({}, { mayChange: false, mayTry: false }),
  }
}

function serverSamples(context: PageContext, words: Words, repo: RepoView): Record<string, PageNode> {
  const server: ServerView = {
    ...{ id: words('b1'), url: words('http://gpu1.internal:8000'), kind: 'vllm', model: words('chat-v2'), weight: 3 },
    ...{ hasSecret: true, failures: 0, leftAloneMs: null },
  }
  const servers: ServerView[] = [
    server,
    { ...server, id: 'b2', kind: 'llama.cpp', model: null, weight: 1, hasSecret: false, failures: 2 },
    { ...server, id: 'b3', kind: 'ollama', failures: 5, leftAloneMs: 19_000 },
  ]
  const none = emptyPage(context, repo)
  const some: ServersPageProps = {
    ...none,
    servers,
    revision: words('v1.0'),
    commit: '4f'.repeat(20),
    madeFrom: '1700000000000',
  }
  const answer = { way: 'chat', isCut: true, counts: { tokensIn: 7, tokensOut: 3 }, tookMs: 182 } as const
  return {
    servers: <ServersPage {...some} tried={{ ...none.tried, answer: { ...answer, text: words('Hello there') } }} />,
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
          ...none.tried,
          form: { values: { text: words('Hello') }, errors: {}, problem: words('It failed.') },
        }}
      />
    ),
    'servers: remove': <ServersPage {...some} dialog={{ kind: 'remove', server }} />,
    'servers: end': <ServersPage {...some} dialog={{ kind: 'end' }} />,
    'servers: embed': <ServersPage {...some} dialog={{ kind: 'embed' }} />,
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
