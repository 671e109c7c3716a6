/* The card of a repository: its README as a page, beside it how to use it and what its metadata says. Values of the
   metadata are a stranger's words: shown as text, linked only to addresses of this hub. */
import type { Child } from 'hono/jsx'
import { namespacePath, type RepoAddress, repoId, repoPath, revisionPath, withQuery } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RawHtml, type SafeHtml } from '../../web/raw-html.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { sizeWords } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import { Time } from '../../web/time.tsx'
import { GatePanel, type GateView } from '../gated/service.ts'
import type { UsualCall } from '../inference/service.ts'
import type { FileWithIssue } from '../scanning/service.ts'
import { HowToCall } from './how-to-call.tsx'
import { HowToFill } from './how-to-fill.tsx'
import { Results, type ResultView } from './results.tsx'
import { ScanBanner } from './scan-parts.tsx'

export type CardFacts = {
  /** `text-generation` */
  task: string | null
  library: string | null
  languages: readonly string[]
  license: string | null
  baseModels: readonly RepoAddress[]
  datasets: readonly RepoAddress[]
  /** The rest of the tags. */
  tags: readonly string[]
  /** Bytes of everything stored for it; null where it is not counted yet. */
  storedBytes: number | null
  createdAt: number
  updatedAt: number
}

export type CardText =
  | { kind: 'card'; html: SafeHtml; changedBy: { name: string; at: number } | null }
  /** Shown as it was written, or its beginning; the notice says why. */
  | { kind: 'plain'; text: string; notice: string }
  | { kind: 'missing' }
  /** The reason is ours, not the parser's. */
  | { kind: 'unreadable'; reason: string }

export function CardPage(props: {
  context: PageContext
  repo: RepoView
  card: CardText
  facts: CardFacts
  alarms: readonly FileWithIssue[]
  /** Null where they were not there in time. */
  results: readonly ResultView[] | null
  /** Null where it has none. */
  gate: GateView | null
  /** Null where no server answers for it. */
  calledBy: UsualCall | null
  /** The hub's public URL, as programs must name it. */
  publicUrl: string
}) {
  const { context, repo } = props
  return (
    <Page
      context={context}
      title={repoId(repo)}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="card" />}
      frame={{ kind: 'aside', label: `About this ${repo.kind}`, aside: <CardAside {...props} /> }}
    >
      {props.gate && (
        <GatePanel
          repo={repo}
          gate={props.gate}
          hasMachines={context.viewer?.organizations.some(({ role }) => role === 'admin') === true}
        />
      )}
      <ScanBanner repo={repo} revision="main" alarms={props.alarms} />
      <CardArticle repo={repo} card={props.card} />
      {props.card.kind === 'missing' && repo.mayWrite && <HowToFill repo={repo} publicUrl={props.publicUrl} />}
    </Page>
  )
}

/** What is read, without what is beside it. */
export function CardArticle({ repo, card }: { repo: RepoAddress; card: CardText }) {
  if (card.kind === 'missing') {
    return (
      <div class="panel">
        <Empty
          icon="book-open-text"
          title="No card yet"
          action={<LinkButton href={revisionPath(repo, 'tree', 'main')}>See the files</LinkButton>}
        >
          A README.md at the top of the repository is shown here. It says what this {repo.kind} is for, where it comes
          from and what it cannot do.
        </Empty>
      </div>
    )
  }
  return (
    <article class="panel min-w-0">
      <div class="panel-head text-sm text-muted">
        <Icon name="book-open-text" />
        <a class="quiet" href={revisionPath(repo, 'blob', 'main', 'README.md')}>
          README.md
        </a>
        {card.kind === 'card' && card.changedBy && (
          <span class="max-sm:hidden">
            changed by {card.changedBy.name} <Time at={card.changedBy.at} />
          </span>
        )}
      </div>
      {card.kind === 'card' ? (
        <div class="card-text px-5 py-5 md:px-8 md:py-7">
          <RawHtml html={card.html} />
        </div>
      ) : (
        <div class="p-4 grid grid-cols-[minmax(0,1fr)] gap-4">
          <Notice kind="warning" standing={true}>
            {card.kind === 'plain' ? card.notice : card.reason}
          </Notice>
          {card.kind === 'plain' && <pre class="text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">{card.text}</pre>}
        </div>
      )}
    </article>
  )
}

function CardAside(props: {
  context: PageContext
  repo: RepoView
  facts: CardFacts
  results: readonly ResultView[] | null
  calledBy: UsualCall | null
  publicUrl: string
}) {
  const { repo, publicUrl } = props
  const id = repoId(repo)
  return (
    <>
      <AsideBlock title={`Use this ${repo.kind}`}>
        <div class="grid grid-cols-[minmax(0,1fr)] gap-1.5">
          <Use open={true} title="Command line" label="hf commands" code={downloadCommand(repo, publicUrl)} />
          {libraryCode(repo, props.facts.library) && (
            <Use
              title={repo.kind === 'dataset' ? 'datasets' : 'transformers'}
              label="Python code"
              code={libraryCode(repo, props.facts.library) ?? ''}
            />
          )}
          <Use title="git clone" label="git command" code={`git clone ${publicUrl}${repoPath(repo)}`} />
        </div>
        {repo.isPrivate && (
          <p class="text-xs text-muted mt-2">
            It is private: sign in with a token that may read it.{' '}
            <a
              class="a"
              href={withQuery('/settings/tokens/new', { tokenType: 'fineGrained', repo: entityOf(repo, id) })}
            >
              New token for this {repo.kind}
            </a>
          </p>
        )}
      </AsideBlock>
      {props.calledBy && (
        <AsideBlock title="Call this model">
          <HowToCall repo={repo} by={props.calledBy} publicUrl={publicUrl} />
        </AsideBlock>
      )}
      <AsideBlock title="Facts">
        <Facts {...props} />
      </AsideBlock>
      {(props.results === null || props.results.length > 0) && (
        <AsideBlock title="Results">
          <Results repo={repo} results={props.results} />
        </AsideBlock>
      )}
    </>
  )
}

function AsideBlock(props: { title: string; children: Child }) {
  return (
    <section class="aside-block">
      <h2>{props.title}</h2>
      {props.children}
    </section>
  )
}

function Use(props: { title: string; label: string; code: string; open?: boolean }) {
  return (
    <details name="use" open={props.open}>
      <summary class="text-sm py-1 font-medium">{props.title}</summary>
      <Snippet code={props.code} label={props.label} />
    </details>
  )
}

/** As the picker of a new token takes it: `acme/m1`, `datasets/acme/d1`, `spaces/acme/s1`. */
function entityOf(repo: RepoAddress, id: string): string {
  return repo.kind === 'model' ? id : `${repo.kind}s/${id}`
}

function downloadCommand(repo: RepoAddress, publicUrl: string): string {
  const type = repo.kind === 'model' ? '' : ` --repo-type ${repo.kind}`
  return `export HF_ENDPOINT=${publicUrl}\nhf download ${repoId(repo)}${type}`
}

function libraryCode(repo: RepoAddress, library: string | null): string | null {
  if (repo.kind === 'dataset') return `from datasets import load_dataset\n\nload_dataset("${repoId(repo)}")`
  if (repo.kind !== 'model' || (library !== null && library !== 'transformers')) return null
  return `from transformers import AutoModel\n\nAutoModel.from_pretrained("${repoId(repo)}")`
}

function Facts({ repo, facts, calledBy }: { repo: RepoView; facts: CardFacts; calledBy: UsualCall | null }) {
  const list = repo.kind === 'model' ? '/models' : repo.kind === 'dataset' ? '/datasets' : '/spaces'
  const filter = (tag: string, words: string) => (
    <a class="quiet" href={withQuery(list, { filter: tag })}>
      {words}
    </a>
  )
  return (
    <dl class="facts">
      {facts.task && <Fact name="Task">{filter(facts.task, taskWords(facts.task))}</Fact>}
      {facts.library && <Fact name="Library">{filter(facts.library, facts.library)}</Fact>}
      {calledBy && (
        <Fact name="Inference">
          <a class="quiet" href="/models?inference=served">
            answers here
          </a>
        </Fact>
      )}
      {facts.languages.length > 0 && <Fact name="Languages">{facts.languages.join(', ')}</Fact>}
      {facts.license && <Fact name="Licence">{filter(`license:${facts.license}`, facts.license)}</Fact>}
      {facts.baseModels.length > 0 && (
        <Fact name="Base model">
          <RepoLinks repos={facts.baseModels} />
        </Fact>
      )}
      {facts.datasets.length > 0 && (
        <Fact name="Data">
          <RepoLinks repos={facts.datasets} />
        </Fact>
      )}
      {facts.tags.length > 0 && (
        <Fact name="Tags">
          {facts.tags.map((tag, index) => (
            <>
              {index > 0 && ', '}
              {filter(tag, tag)}
            </>
          ))}
        </Fact>
      )}
      <Fact name="Owner">
        <a class="quiet" href={namespacePath(repo.namespace)}>
          {repo.namespace}
        </a>
      </Fact>
      <Fact name="Updated">
        <Time at={facts.updatedAt} />
      </Fact>
      <Fact name="Created">
        <Time at={facts.createdAt} />
      </Fact>
      {facts.storedBytes !== null && <Fact name="Stored">{sizeWords(facts.storedBytes)}</Fact>}
    </dl>
  )
}

function Fact(props: { name: string; children: Child }) {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  )
}

function RepoLinks(props: { repos: readonly RepoAddress[] }) {
  return (
    <>
      {props.repos.map((repo, index) => (
        <>
          {index > 0 && ', '}
          <a class="a" href={repoPath(repo)}>
            {repoId(repo)}
          </a>
        </>
      ))}
    </>
  )
}

/** `text-generation` reads as "Text generation". */
function taskWords(task: string): string {
  const words = task.replaceAll('-', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
