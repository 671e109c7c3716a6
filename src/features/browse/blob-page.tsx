/* One file at a revision: its text with line numbers, an image, or where it is too large or not text, what it is and
   where its bytes are. Images come from `resolve`, which sends them sandboxed. */
import { repoId, revisionPath } from '../../web/address.ts'
import { StorageBadge, type StorageKind } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { CodeView } from '../../web/code-view.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { FileActions } from '../../web/file-actions.tsx'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { sizeWords } from '../../web/size.ts'
import type { LatestOfContent } from '../downloads/service.ts'
import type { FileWithIssue } from '../scanning/service.ts'
import { LatestDownloads } from './latest-downloads.tsx'
import type { FileScan } from './load-scans.ts'
import { RevisionBar, type RevisionView } from './revision-bar.tsx'
import { ScanBadges, ScanBanner, ScanFacts } from './scan-parts.tsx'
import { type CommitBrief, LatestCommit } from './tree-page.tsx'

export type BlobBody =
  /** Within `codeViewLimit`. */
  | { kind: 'text'; text: string }
  /** png, jpeg, gif or webp. */
  | { kind: 'image' }
  | { kind: 'sizes'; why: keyof typeof notShown }
  | { kind: 'link'; target: string }

type BlobPageProps = {
  context: PageContext
  repo: RepoView
  revision: RevisionView
  path: string
  /** Bytes of the content, not of a pointer to it. */
  size: number
  storage: StorageKind
  /** Object id in git, of the pointer where there is one. */
  oid: string
  /** SHA-256 of the content, for LFS and Xet. */
  sha256: string | null
  /** Null where looking for it took too long. */
  latest: CommitBrief | null
  body: BlobBody
  /** Null for a link. */
  scan: FileScan | null
  alarms: readonly FileWithIssue[]
  /** Of an unsafe file, for those who may see it. */
  downloads: LatestOfContent | null
}

const notShown = {
  binary: 'This is not text, so it is not shown here.',
  large: 'This file is too large to be shown here.',
  stored: 'Git holds a pointer to this file; its bytes are stored beside the repository.',
  held: 'This file is held, so nobody can download it: scanners found it unsafe or have not seen it yet, or its owner does not admit it.',
  unsigned: 'This file is held: only signed models are handed out here, and this revision is not verified.',
  missing: 'Git holds a pointer to this file, but its bytes were never uploaded to this repository.',
} as const

export function BlobPage(props: BlobPageProps) {
  const { context, repo, revision, path } = props
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isMissing = props.body.kind === 'sizes' && ['missing', 'held', 'unsigned'].includes(props.body.why)
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: ${path} at ${revision.name}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={revision.name} />}
    >
      <ScanBanner repo={repo} revision={revision.name} alarms={props.alarms} />
      <RevisionBar repo={repo} revision={revision} path={path} view="blob">
        <CopyButton value={path} label={`Copy the path ${path}`} small={true} />
      </RevisionBar>
      <section class="panel overflow-hidden" aria-labelledby="file-h">
        {props.latest && <LatestCommit repo={repo} commit={props.latest} />}
        <div class="panel-head">
          <Icon name="file" />
          <h2 id="file-h" class="text-base font-semibold min-w-0 [overflow-wrap:anywhere]">
            {name}
          </h2>
          <span class="text-sm text-muted num">{sizeWords(props.size)}</span>
          <StorageBadge kind={props.storage} />
          {props.scan && <ScanBadges scan={props.scan} />}
          <span class="flex flex-wrap gap-2 ml-auto">
            {props.body.kind === 'text' && (
              <LinkButton href={revisionPath(repo, 'raw', revision.name, path)}>Raw</LinkButton>
            )}
            <LinkButton href={revisionPath(repo, 'commits', revision.name, path)}>History</LinkButton>
            <FileActions repo={repo} revision={revision} path={path} />
            {!isMissing && (
              <LinkButton
                look={props.body.kind === 'sizes' ? 'primary' : 'line'}
                icon="download"
                href={`${revisionPath(repo, 'resolve', revision.name, path)}?download=true`}
                label={`Download ${name}`}
              >
                Download
              </LinkButton>
            )}
          </span>
        </div>
        <Body {...props} name={name} />
      </section>
      {props.scan && <ScanFacts scan={props.scan} mayRelease={context.viewer?.isAdmin === true} />}
      {props.downloads && <LatestDownloads {...props.downloads} />}
    </Page>
  )
}

function Body(props: BlobPageProps & { name: string }) {
  const { repo, revision, path, body } = props
  switch (body.kind) {
    case 'text':
      return body.text === '' ? (
        <p class="p-4 text-muted">This file is empty.</p>
      ) : (
        <CodeView text={body.text} name={props.name} />
      )
    case 'image':
      return (
        <div class="p-4 bg-base-300 grid place-items-center">
          <img
            class="max-h-[75vh]"
            src={revisionPath(repo, 'resolve', revision.name, path)}
            alt={`The file ${props.name}`}
          />
        </div>
      )
    case 'link':
      return (
        <p class="p-4">
          A symbolic link to <code class="[overflow-wrap:anywhere]">{body.target}</code>.
        </p>
      )
    case 'sizes':
      return (
        <div class="p-4 grid gap-3">
          <p class="text-muted">{notShown[body.why]}</p>
          <BlobFacts {...props} />
        </div>
      )
  }
}

function BlobFacts(props: BlobPageProps) {
  return (
    <dl class="facts">
      <dt>Size</dt>
      <dd class="num">
        {sizeWords(props.size)} ({props.size.toLocaleString('en-GB')} bytes)
      </dd>
      {props.sha256 && (
        <>
          <dt>SHA-256</dt>
          <dd>
            <code class="select-all">{props.sha256}</code>
          </dd>
        </>
      )}
      <dt>{props.storage === 'git' ? 'Object in git' : 'Pointer in git'}</dt>
      <dd>
        <code class="select-all">{props.oid}</code>
      </dd>
    </dl>
  )
}
