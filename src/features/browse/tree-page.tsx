/* The files of a folder at a revision, folders first, with their scans and the last commit that touched each. */
import type { Child } from 'hono/jsx'
import { commitPath, namespacePath, repoId, revisionPath } from '../../web/address.ts'
import { Badge, ServiceAccountBadge, SignatureBadge, StorageBadge, type StorageKind } from '../../web/badge.tsx'
import { FolderActions } from '../../web/file-actions.tsx'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, Rows } from '../../web/rows.tsx'
import { counted, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { Who, type WhoKind } from '../../web/who.tsx'
import type { FileWithIssue } from '../scanning/service.ts'
import type { SignatureView } from '../signatures/service.ts'
import type { FileScan } from './load-scans.ts'
import { RevisionBar, type RevisionView } from './revision-bar.tsx'
import { ScanBadges, ScanBanner } from './scan-parts.tsx'

export type CommitAuthor = {
  name: string
  kind: WhoKind
  /** It has a page. */
  isAccount: boolean
  /** A service account that was deleted. */
  isGone?: boolean
}

export type CommitBrief = {
  id: string
  /** First line of the message. */
  title: string
  at: number
  /** The account that the author's verified address belongs to, else the name in the commit. */
  author: CommitAuthor
  /** Null for an unsigned commit. */
  signature: SignatureView | null
}

export type TreeEntry = {
  name: string
  kind: 'folder' | 'file' | 'submodule' | 'link'
  /** Bytes of the content, also where git holds only a pointer; null for a folder. */
  size: number | null
  storage: StorageKind
  lastCommit: Pick<CommitBrief, 'id' | 'title' | 'at'> | null
  /** Null for what has no content of its own. */
  scan: FileScan | null
}

type TreePageProps = {
  context: PageContext
  repo: RepoView
  revision: RevisionView
  /** Empty at the top. */
  path: string
  entries: readonly TreeEntry[]
  /** Unsafe files of the whole revision. */
  alarms: readonly FileWithIssue[]
  /** The last commit that touched this folder; null where looking for it took too long. */
  latest: CommitBrief | null
  /** Commits that lead to this revision; null where it is not counted. */
  commitCount: number | null
  /** Files below this folder and their bytes; null where it is not counted. */
  totals: { files: number; bytes: number } | null
  /** How the rows stand: a very large folder is shown in git's order. */
  order: 'Folders first' | 'By name'
  nextHref: string | null
  firstHref: string | null
}

export function TreePage(props: TreePageProps) {
  const { context, repo, revision, path } = props
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: ${path === '' ? 'files' : path} at ${revision.name}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={revision.name} />}
    >
      <ScanBanner repo={repo} revision={revision.name} alarms={props.alarms} />
      <RevisionBar repo={repo} revision={revision} path={path} view="tree">
        {props.totals && (
          <span class="text-muted text-sm max-sm:hidden">
            {counted(props.totals.files, 'file')}, {sizeWords(props.totals.bytes)}
          </span>
        )}
        <span class="flex flex-wrap gap-2 ml-auto">
          <FolderActions repo={repo} revision={revision} path={path} />
          <a class="btn btn-sm btn-line" href={revisionPath(repo, 'commits', revision.name)}>
            <Icon name="history" />
            {props.commitCount === null ? 'Commits' : counted(props.commitCount, 'commit')}
          </a>
        </span>
      </RevisionBar>
      <section class="panel overflow-hidden" aria-label={`Files at ${revision.name}`}>
        {props.latest && <LatestCommit repo={repo} commit={props.latest} />}
        <Rows
          caption={`Files of ${repoId(repo)} at ${revision.name}, with scan, size and last commit`}
          phone="files"
          columns={[
            { label: 'Name' },
            { label: 'Scan' },
            { label: 'Stored', class: 'hidden md:table-cell' },
            { label: 'Size', class: 'end' },
            { label: 'Last commit', class: 'hidden lg:table-cell' },
            { label: 'When', class: 'end hidden md:table-cell' },
            { label: 'Actions', silent: true, class: 'hidden md:table-cell' },
          ]}
        >
          {path !== '' && <UpRow {...props} />}
          {props.entries.map((entry) => (
            <EntryRow {...props} entry={entry} />
          ))}
        </Rows>
      </section>
      {(props.nextHref || props.firstHref) && (
        <MoreRows
          order={props.order}
          shown={props.entries.length}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
    </Page>
  )
}

export function LatestCommit({ repo, commit }: { repo: RepoView; commit: CommitBrief }) {
  return (
    <div class="panel-head">
      <Who kind={commit.author.kind} name={commit.author.name} off={commit.author.isGone} />
      <span class="font-semibold">
        <AuthorName author={commit.author} />
      </span>
      <a class="quiet truncate min-w-0 max-sm:basis-full" href={commitPath(repo, commit.id)}>
        {commit.title}
      </a>
      <span class="ml-auto flex items-center gap-3 text-sm text-muted">
        {commit.signature && <SignatureBadge status={commit.signature.status} title={commit.signature.words} />}
        <CommitLink repo={repo} id={commit.id} />
        <Time at={commit.at} />
      </span>
    </div>
  )
}

/** The word is there beside the shape: a machine, or what was one. */
export function AuthorName({ author }: { author: CommitAuthor }) {
  if (author.kind === 'service-account') {
    return (
      <span class="inline-flex flex-wrap items-center gap-1.5">
        <span>{author.name}</span>
        {author.isGone ? <Badge icon="bot">deleted service account</Badge> : <ServiceAccountBadge />}
      </span>
    )
  }
  return author.isAccount ? (
    <a class="quiet" href={namespacePath(author.name)}>
      {author.name}
    </a>
  ) : (
    author.name
  )
}

export function CommitLink({ repo, id }: { repo: RepoView; id: string }) {
  return (
    <a class="quiet" href={commitPath(repo, id)} title={id}>
      <code>{id.slice(0, 7)}</code>
    </a>
  )
}

function FileHead(props: { icon: Child; children: Child }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles
    <th role="rowheader" scope="row">
      <span class="flex items-center gap-2">
        <span class="text-muted">{props.icon}</span>
        {props.children}
      </span>
    </th>
  )
}

function UpRow({ repo, revision, path }: TreePageProps) {
  const up = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
  return (
    <Row>
      <FileHead icon={<Icon name="corner-left-up" />}>
        <a class="quiet" href={revisionPath(repo, 'tree', revision.name, up)} aria-label="Folder above">
          ..
        </a>
      </FileHead>
      <Cell class="scan" />
      <Cell class="hidden md:table-cell" />
      <Cell class="end" />
      <Cell class="hidden lg:table-cell" />
      <Cell class="hidden md:table-cell" />
      <Cell class="act hidden md:table-cell" />
    </Row>
  )
}

const entryIcons = { folder: 'folder', file: 'file', submodule: 'git-commit-horizontal', link: 'link' } as const

function EntryRow(props: TreePageProps & { entry: TreeEntry }) {
  const { repo, revision, entry } = props
  const path = props.path === '' ? entry.name : `${props.path}/${entry.name}`
  const isFile = entry.kind === 'file' || entry.kind === 'link'
  return (
    <Row>
      <FileHead icon={<Icon name={entryIcons[entry.kind]} />}>
        {entry.kind === 'submodule' ? (
          <span class="[overflow-wrap:anywhere]">{entry.name}</span>
        ) : (
          <a
            class="quiet [overflow-wrap:anywhere]"
            href={revisionPath(repo, entry.kind === 'folder' ? 'tree' : 'blob', revision.name, path)}
          >
            {entry.name}
          </a>
        )}
      </FileHead>
      <Cell class="scan">{entry.scan && <ScanBadges scan={entry.scan} />}</Cell>
      <Cell class="nowrap hidden md:table-cell">
        <StorageBadge kind={entry.storage} />
      </Cell>
      <Cell class="end nowrap">{entry.size !== null && isFile && sizeWords(entry.size)}</Cell>
      <Cell class="hidden lg:table-cell">
        {entry.lastCommit && (
          <a class="quiet text-muted" href={commitPath(repo, entry.lastCommit.id)}>
            {entry.lastCommit.title}
          </a>
        )}
      </Cell>
      <Cell class="end nowrap text-muted hidden md:table-cell">
        {entry.lastCommit && <Time at={entry.lastCommit.at} />}
      </Cell>
      <Cell class="act hidden md:table-cell">
        {entry.scan?.isHeld && (
          <span class="text-muted" title="Held: it cannot be downloaded">
            <Icon name="lock" />
            <span class="sr-only">held</span>
          </span>
        )}
        {entry.kind === 'file' && !entry.scan?.isHeld && (
          <a
            class="icon-btn"
            href={`${revisionPath(repo, 'resolve', revision.name, path)}?download=true`}
            aria-label={`Download ${entry.name}`}
          >
            <Icon name="download" />
          </a>
        )}
      </Cell>
    </Row>
  )
}
