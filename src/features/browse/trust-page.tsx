/* The trust tab of a repository: what was checked, by what and when, and where each of it can be looked up. Evidence, no score. */
import { repoId, repoPath, revisionPath, withQuery } from '../../web/address.ts'
import { Badge, ModelSignatureBadge, SignatureBadge } from '../../web/badge.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted, countWords, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import type { FileScan } from './load-scans.ts'
import { commitsLookedAt, type TrustView } from './load-trust.ts'
import { ScanBadges, ScanBanner } from './scan-parts.tsx'
import { CommitLink } from './tree-page.tsx'

const levelWords = { unsafe: 'unsafe', suspicious: 'suspicious', caution: 'look at it' } as const
const mostShown = 20

/** At /{repo}/trust, about `main`. */
export function TrustPage(props: { context: PageContext; repo: RepoView; commit: string; trust: TrustView }) {
  const { context, repo, commit, trust } = props
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: trust`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="trust" />}
    >
      <p class="lede">
        What was checked of the latest commit on <code>main</code>, <CommitLink repo={repo} id={commit} />.{' '}
        <a class="a" href="/docs/trust">
          How trust works here
        </a>
      </p>
      <ScanBanner repo={repo} revision="main" alarms={[]} />
      <div class="grid gap-4 lg:grid-cols-2 items-start">
        <ScanSection repo={repo} scan={trust.scan} />
        <SignatureSection repo={repo} signatures={trust.signatures} />
        <ModelSection repo={repo} model={trust.model} />
        <StorageSection usage={trust.usage} />
        {trust.mayReadDownloads && (
          <SettingsSection id="downloads-h" title="Downloads">
            <p class="p-4 text-sm">
              <a class="a" href={repoPath(repo, '/trust/downloads')}>
                Who took what from here, with which credential
              </a>
            </p>
          </SettingsSection>
        )}
      </div>
    </Page>
  )
}

function ScanSection({ repo, scan }: { repo: RepoView; scan: TrustView['scan'] }) {
  const all = (
    <a class="a" href={repoPath(repo, '/trust/scan')}>
      Every file with its verdicts
    </a>
  )
  if (scan === null) {
    return (
      <SettingsSection id="scan-h" title="Scans">
        <p class="p-4 text-sm">There is too much here to say it at once. {all}</p>
      </SettingsSection>
    )
  }
  return (
    <SettingsSection id="scan-h" title="Scans" help={scan.isDone ? 'all files scanned' : 'still scanning'}>
      {scan.issues.length === 0 ? (
        <p class="p-4 text-sm">
          {scan.isDone ? 'Every scanner of this hub looked at every file and found nothing.' : 'Nothing found so far.'}{' '}
          {all}
        </p>
      ) : (
        <>
          <Rows caption="Files with something" columns={[{ label: 'File' }, { label: 'Found', class: 'text-end' }]}>
            {scan.issues.slice(0, mostShown).map(({ path, level }) => (
              <Row>
                <RowHead>
                  <a class="font-medium wrap-anywhere" href={revisionPath(repo, 'blob', 'main', path)}>
                    {path}
                  </a>
                </RowHead>
                <Cell label="Found" class="text-end">
                  <Badge look={level === 'unsafe' ? 'error' : 'warning'}>
                    {level in levelWords ? levelWords[level as keyof typeof levelWords] : level}
                  </Badge>
                </Cell>
              </Row>
            ))}
          </Rows>
          <p class="p-4 text-sm">
            {scan.issues.length > mostShown && `${countWords(scan.issues.length - mostShown)} more. `}
            {all}
          </p>
        </>
      )}
    </SettingsSection>
  )
}

function SignatureSection({ repo, signatures }: { repo: RepoView; signatures: TrustView['signatures'] }) {
  const links = (
    <p class="px-4 pb-4 text-sm flex flex-wrap gap-x-4 gap-y-1">
      <a class="a" href={revisionPath(repo, 'commits', 'main')}>
        Every commit with its signature
      </a>
      {repo.mayChangeSettings && (
        <a class="a" href={repoPath(repo, '/settings/signing')}>
          Signing policy
        </a>
      )}
    </p>
  )
  if (signatures === null) {
    return (
      <SettingsSection id="signatures" title="Signed commits">
        <p class="p-4 text-sm">Finding the latest commits takes too long now. Reload the page in a moment.</p>
        {links}
      </SettingsSection>
    )
  }
  const { looked, verified, unverified, hub, unsigned } = signatures
  return (
    <SettingsSection
      id="signatures"
      title="Signed commits"
      help={looked < commitsLookedAt ? counted(looked, 'commit') : `the latest ${looked} commits`}
    >
      <dl class="facts p-4">
        <dt>
          <SignatureBadge status="verified" />
        </dt>
        <dd class="tabular-nums">{verified}</dd>
        <dt>
          <SignatureBadge status="hub" />
        </dt>
        <dd class="tabular-nums">{hub}</dd>
        <dt>
          <SignatureBadge status="unverified" />
        </dt>
        <dd class="tabular-nums">{unverified}</dd>
        <dt>not signed</dt>
        <dd class="tabular-nums">{unsigned}</dd>
      </dl>
      {links}
    </SettingsSection>
  )
}

function ModelSection({ repo, model }: { repo: RepoView; model: TrustView['model'] }) {
  return (
    <SettingsSection id="model-h" title="Signature over all files">
      {model.status === 'none' ? (
        <p class="p-4 text-sm text-muted">
          Nobody vouches for all files of this revision together.{' '}
          <a class="a" href="/docs/model-signatures">
            How a model is signed
          </a>
        </p>
      ) : (
        <div class="p-4 grid gap-2 text-sm">
          <p>
            <ModelSignatureBadge status={model.status} href={revisionPath(repo, 'model-signature', 'main')} />
          </p>
          <p>
            {model.detail ?? (model.key === null ? 'It is being looked at.' : `With the key “${model.key.name}”.`)}
            {model.checkedAt !== null && (
              <>
                {' '}
                Looked at <Time at={model.checkedAt} />.
              </>
            )}
          </p>
        </div>
      )}
    </SettingsSection>
  )
}

function StorageSection({ usage }: { usage: TrustView['usage'] }) {
  return (
    <SettingsSection id="storage" title="Storage">
      {usage === null ? (
        <p class="p-4 text-sm text-muted">Not counted yet; that follows some minutes after a push.</p>
      ) : (
        <dl class="facts p-4">
          <dt>Large files</dt>
          <dd class="tabular-nums">{countWords(usage.files)}</dd>
          <dt>Their size</dt>
          <dd class="tabular-nums">{sizeWords(usage.logical)}</dd>
          <dt>Stored</dt>
          <dd class="tabular-nums">{sizeWords(usage.stored)}</dd>
          <dt>Saved</dt>
          <dd class="tabular-nums">{sizeWords(Math.max(0, usage.logical - usage.stored))}</dd>
          <dt>Counted</dt>
          <dd>
            <Time at={usage.countedAt} />
          </dd>
        </dl>
      )}
    </SettingsSection>
  )
}

export type ScannedFile = { path: string; size: number; scan: FileScan | null }

/** At /{repo}/trust/scan, about `main`. */
export function ScanReportPage(props: {
  context: PageContext
  repo: RepoView
  commit: string
  files: readonly ScannedFile[]
  next: string | null
  isFirst: boolean
}) {
  const { context, repo, files } = props
  const here = repoPath(repo, '/trust/scan')
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: scan report`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="trust" />}
    >
      <div class="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <h2 class="text-xl">Scan report</h2>
        <p class="text-sm text-muted">
          Every file of the latest commit on <code>main</code>, <CommitLink repo={repo} id={props.commit} />
        </p>
      </div>
      <section class="panel" aria-label="Files">
        {files.length === 0 ? (
          <Empty icon="scan-search" title="No files">
            What is pushed here is scanned, and stands here with its verdicts.
          </Empty>
        ) : (
          <Rows
            caption="Files with their verdicts"
            columns={[{ label: 'File' }, { label: 'Verdict' }, { label: 'Size', class: 'text-end' }]}
          >
            {files.map(({ path, size, scan }) => (
              <Row>
                <RowHead>
                  <a class="font-medium wrap-anywhere" href={revisionPath(repo, 'blob', 'main', path)}>
                    {path}
                  </a>
                </RowHead>
                <Cell label="Verdict">
                  {scan === null ? <span class="text-muted">a link</span> : <ScanBadges scan={scan} />}
                </Cell>
                <Cell label="Size" class="text-end tabular-nums">
                  {sizeWords(size)}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
      <MoreRows
        order="By path"
        shown={files.length}
        olderHref={props.next === null ? null : withQuery(here, { after: props.next })}
        firstHref={props.isFirst ? null : here}
        olderWord="More"
      />
    </Page>
  )
}
