/* One file at a revision: its text with line numbers, an image, or where it is too large or not text, what it is and
   where its bytes are. Images come from `resolve`, which sends them sandboxed. */
import { repoId, revisionPath, withQuery } from '../../web/address.ts'
import { StorageBadge, type StorageKind } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { CodeView } from '../../web/code-view.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { FileActions } from '../../web/file-actions.tsx'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RawHtml, type SafeHtml } from '../../web/raw-html.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { sizeWords } from '../../web/size.ts'
import { Tabs } from '../../web/tabs.tsx'
import type { LatestOfContent } from '../downloads/service.ts'
import type { FileWithIssue } from '../scanning/service.ts'
import type { ShownTable, ShownTensors } from '../viewers/service.ts'
import { type DrawnNotebook, NotebookView, TableView, TensorsView } from './file-views.tsx'
import { LatestDownloads } from './latest-downloads.tsx'
import type { FileScan } from './load-scans.ts'
import { RevisionBar, type RevisionView } from './revision-bar.tsx'
import { ScanBadges, ScanBanner, ScanFacts } from './scan-parts.tsx'
import { type CommitBrief, LatestCommit } from './tree-page.tsx'

export type BlobBody =
  /** Within `codeViewLimit`. `rows`: with colours. */
  | { kind: 'text'; text: string; rows: SafeHtml | null; note: string | null }
  /** Of a type that `resolve` serves as a picture. */
  | { kind: 'image' }
  | { kind: 'audio' | 'video' }
  | { kind: 'markdown'; html: SafeHtml }
  | { kind: 'shown'; shown: ShownTable | ShownTensors }
  | { kind: 'notebook'; notebook: DrawnNotebook }
  /** A viewer was asked and could not, in a sentence. */
  | { kind: 'not shown'; words: string }
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
  /** Null where there is one way to show it. */
  views: 'preview' | 'code' | null
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
            {(props.body.kind === 'text' || props.views !== null) && props.storage === 'git' && (
              <LinkButton href={revisionPath(repo, 'raw', revision.name, path)}>Raw</LinkButton>
            )}
            <LinkButton href={revisionPath(repo, 'commits', revision.name, path)}>History</LinkButton>
            <FileActions repo={repo} revision={revision} path={path} />
            {!isMissing && (
              <LinkButton
                look={['sizes', 'not shown'].includes(props.body.kind) ? 'primary' : 'line'}
                icon="download"
                href={`${revisionPath(repo, 'resolve', revision.name, path)}?download=true`}
                label={`Download ${name}`}
              >
                Download
              </LinkButton>
            )}
          </span>
        </div>
        {props.views !== null && <Views {...props} />}
        <Body {...props} name={name} />
      </section>
      {props.scan && <ScanFacts scan={props.scan} mayRelease={context.viewer?.isAdmin === true} />}
      {props.downloads && <LatestDownloads {...props.downloads} />}
    </Page>
  )
}

function Views({ repo, revision, path, views }: BlobPageProps) {
  const here = revisionPath(repo, 'blob', revision.name, path)
  return (
    <div class="px-4">
      <Tabs
        label="Views of this file"
        inPage={true}
        tabs={[
          { href: withQuery(here, { view: 'preview' }), label: 'Preview', current: views === 'preview' },
          { href: withQuery(here, { view: 'code' }), label: 'Code', current: views === 'code' },
        ]}
      />
    </div>
  )
}

function Body(props: BlobPageProps & { name: string }) {
  const { repo, revision, path, body } = props
  switch (body.kind) {
    case 'text':
      return body.text === '' ? (
        <p class="p-4 text-muted">This file is empty.</p>
      ) : (
        <>
          {body.note !== null && <p class="px-4 py-2 text-sm text-muted border-b border-line">{body.note}</p>}
          <CodeView text={body.text} name={props.name} rows={body.rows} />
        </>
      )
    case 'markdown':
      return (
        <article class="card-text p-4" aria-label={`${props.name}, rendered`}>
          <RawHtml html={body.html} />
        </article>
      )
    case 'shown':
    case 'notebook': {
      const place = withQuery(revisionPath(repo, 'blob', revision.name, path), { view: props.views })
      if (body.kind === 'notebook') return <NotebookView notebook={body.notebook} place={place} />
      return body.shown.kind === 'table' ? (
        <TableView table={body.shown} name={props.name} place={place} />
      ) : (
        <TensorsView tensors={body.shown} name={props.name} place={place} />
      )
    }
    case 'not shown':
      return (
        <div class="p-4 grid gap-3">
          <p class="[overflow-wrap:anywhere]">{body.words}</p>
          <BlobFacts {...props} />
        </div>
      )
    case 'audio':
      return (
        <div class="p-4 bg-base-300 grid place-items-center">
          {/* biome-ignore lint/a11y/useMediaCaption: the file is somebody's own; there is no other file with its words */}
          <audio
            class="w-full max-w-xl"
            controls
            preload="metadata"
            src={revisionPath(repo, 'resolve', revision.name, path)}
            aria-label={`The file ${props.name}`}
          />
        </div>
      )
    case 'video':
      return (
        <div class="p-4 bg-base-300 grid place-items-center">
          {/* biome-ignore lint/a11y/useMediaCaption: the file is somebody's own; there is no other file with its words */}
          <video
            class="max-h-[75vh] max-w-full"
            controls
            preload="metadata"
            src={revisionPath(repo, 'resolve', revision.name, path)}
            aria-label={`The file ${props.name}`}
          />
        </div>
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
