/* The history of a repository: the commits that lead to a revision, one commit with its change, and its branches and
   tags. */
import { commitPath, repoId, revisionPath } from '../../web/address.ts'
import { SignatureBadge } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { type DiffFile, DiffView } from '../../web/diff-view.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { counted, countWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import type { SignatureView } from '../signatures/service.ts'
import { RevisionBar, type RevisionView } from './revision-bar.tsx'
import { AuthorName, type CommitBrief, CommitLink } from './tree-page.tsx'

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const

export function CommitsPage(props: {
  context: PageContext
  repo: RepoView
  revision: RevisionView
  /** The file or folder whose changes these are; empty for all. */
  path: string
  commits: readonly CommitBrief[]
  total: number | null
  nextHref: string | null
  firstHref: string | null
}) {
  const { context, repo, revision } = props
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: commits ${props.path === '' ? '' : `of ${props.path} `}at ${revision.name}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="commits" revision={revision.name} />}
    >
      <RevisionBar repo={repo} revision={revision} path={props.path} view="commits" />
      {byDay(props.commits).map(({ day, commits }) => (
        <section class="panel" aria-label={`Commits on ${day}`}>
          <div class="panel-head">
            <h2>Commits on {day}</h2>
          </div>
          <CommitLines repo={repo} commits={commits} />
        </section>
      ))}
      <MoreRows
        order="Newest first"
        shown={props.commits.length}
        total={props.total}
        olderHref={props.nextHref}
        firstHref={props.firstHref}
      />
    </Page>
  )
}

/** Commits below each other, inside a panel. */
export function CommitLines({ repo, commits }: { repo: RepoView; commits: readonly CommitBrief[] }) {
  return (
    <ul class="[&>li]:px-4 [&>li]:py-2.5 [&>li+li]:border-t [&>li]:border-line text-sm [&>li]:flex [&>li]:items-center [&>li]:gap-2.5">
      {commits.map((commit) => (
        <li>
          <Who kind={commit.author.kind} name={commit.author.name} off={commit.author.isGone} />
          <span class="min-w-0 flex-1">
            <a class="quiet font-semibold block truncate" href={commitPath(repo, commit.id)}>
              {commit.title}
            </a>
            <span class="text-xs text-muted">
              <AuthorName author={commit.author} />, <Time at={commit.at} />
            </span>
          </span>
          {commit.signature && <SignatureBadge status={commit.signature.status} title={commit.signature.words} />}
          <CommitLink repo={repo} id={commit.id} />
          <CopyButton value={commit.id} label={`Copy commit id ${commit.id.slice(0, 7)}`} small={true} />
        </li>
      ))}
    </ul>
  )
}

function byDay(commits: readonly CommitBrief[]): { day: string; commits: CommitBrief[] }[] {
  const days: { day: string; commits: CommitBrief[] }[] = []
  for (const commit of commits) {
    const date = new Date(commit.at)
    const day = `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`
    const last = days.at(-1)
    if (last?.day === day) last.commits.push(commit)
    else days.push({ day, commits: [commit] })
  }
  return days
}

type CommitPageProps = {
  context: PageContext
  repo: RepoView
  commit: CommitBrief & {
    /** The message after its first line. */
    message: string
    parents: readonly string[]
    /** Who made the commit, where that is not its author. */
    committer: { name: string; at: number } | null
  }
  /** Null where comparing took too long. */
  changes: CommitChanges | null
}

export type CommitChanges = {
  /** Within `diffViewLimit` lines over all; compared with the first parent. */
  files: readonly DiffFile[]
  totals: { files: number; linesAdded: number; linesRemoved: number }
  /** More files changed than were counted. */
  isCut: boolean
}

export function CommitPage(props: CommitPageProps) {
  const { context, repo, commit } = props
  return (
    <Page
      context={context}
      title={`${commit.title}: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="commits" />}
    >
      <section class="panel" aria-labelledby="commit-h">
        <div class="p-4 grid gap-3">
          <div class="flex flex-wrap items-start gap-3">
            <h2 id="commit-h" class="flex-1 min-w-60 [overflow-wrap:anywhere]">
              {commit.title}
            </h2>
            <LinkButton icon="folder" href={revisionPath(repo, 'tree', commit.id)}>
              Files at this commit
            </LinkButton>
          </div>
          {commit.message !== '' && (
            <pre class="text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">{commit.message}</pre>
          )}
          <p class="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
            <Who kind={commit.author.kind} name={commit.author.name} size="small" off={commit.author.isGone} />
            <span class="font-semibold">
              <AuthorName author={commit.author} />
            </span>
            <Time at={commit.at} />
            {commit.committer && <span class="text-muted">committed by {commit.committer.name}</span>}
            {commit.signature && <SignatureBadge status={commit.signature.status} title={commit.signature.words} />}
          </p>
          <p class="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-muted">
            <span class="inline-flex items-center gap-1 min-w-0">
              <code class="[overflow-wrap:anywhere]">{commit.id}</code>
              <CopyButton value={commit.id} label="Copy the commit id" small={true} />
            </span>
            {commit.parents.length > 0 && (
              <span>
                {commit.parents.length === 1 ? 'parent' : 'parents'}{' '}
                {commit.parents.map((parent) => (
                  <>
                    <CommitLink repo={repo} id={parent} />{' '}
                  </>
                ))}
              </span>
            )}
          </p>
          {commit.signature && <SignatureLine signature={commit.signature} />}
        </div>
      </section>
      {props.changes === null ? (
        <Notice kind="info" standing={true}>
          Comparing this commit with the one before takes too long here. Clone the repository to see it:{' '}
          <code>git show {commit.id.slice(0, 7)}</code>
        </Notice>
      ) : (
        <Changes command={`git show ${commit.id.slice(0, 7)}`} changes={props.changes} />
      )}
    </Page>
  )
}

/** Who signed with which key, why it does not count, and since when that is known. */
function SignatureLine({ signature }: { signature: SignatureView }) {
  return (
    <p class="text-sm text-muted [overflow-wrap:anywhere]">
      {signature.words}
      {signature.key && (
        <>
          {' '}
          {signature.key.kind === 'ssh' ? 'SSH key' : 'GPG key'} <code>{signature.key.id}</code>.
        </>
      )}
      {signature.verifiedAt !== null && (
        <>
          {' '}
          Judged <Time at={signature.verifiedAt} />.
        </>
      )}
    </p>
  )
}

/** `command`: how a clone shows all of it. */
export function Changes({ command, changes }: { command: string; changes: CommitChanges }) {
  const { files, totals, isCut } = changes
  const hidden = totals.files - files.length
  return (
    <>
      <p class="text-sm text-muted num">
        {isCut && 'More than '}
        {counted(totals.files, 'file')} changed, {counted(totals.linesAdded, 'line')} added,{' '}
        {countWords(totals.linesRemoved)} removed
      </p>
      {files.map((file) => (
        <DiffView file={file} />
      ))}
      {hidden > 0 && (
        <Notice kind="info" standing={true}>
          {isCut && 'More than '}
          {counted(hidden, 'more file')} changed. Clone the repository to see them all: <code>{command}</code>
        </Notice>
      )}
    </>
  )
}
