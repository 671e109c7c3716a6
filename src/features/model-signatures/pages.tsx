/* The model signature of a revision: who signed, what that is worth here, and which files differ. */
import type { Child } from 'hono/jsx'
import { repoId, revisionPath } from '../../web/address.ts'
import { ModelSignatureBadge } from '../../web/badge.tsx'
import { Empty } from '../../web/empty.tsx'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { counted } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import { Time } from '../../web/time.tsx'
import type { Names, Report } from './compare.ts'
import type { ModelSignature } from './state.ts'

export function ModelSignaturePage(props: {
  context: PageContext
  repo: RepoView
  revision: string
  commit: string
  signature: ModelSignature
}) {
  const { context, repo, revision, signature } = props
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: model signature at ${revision}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="trust" revision={revision} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-3xl">
        <div>
          <h2 class="text-xl font-semibold">Model signature</h2>
          <p class="lede">
            What a signature in this repository says of all its files at{' '}
            <a class="a break-all" href={revisionPath(repo, 'tree', revision)}>
              {revision}
            </a>
            .
          </p>
        </div>
        {repo.hold != null && (
          <Notice kind="warning" standing={true}>
            <b>This revision is held.</b> Only signed models are handed out here. {repo.hold}
          </Notice>
        )}
        {signature.status === 'none' ? <Unsigned repo={repo} /> : <Found {...props} />}
      </div>
    </Page>
  )
}

function Unsigned({ repo }: { repo: RepoView }) {
  return (
    <section class="panel">
      <Empty icon="file-badge" title="Not signed">
        This revision has no model signature. The tools of OpenSSF Model Signing make one, and it is uploaded like any
        other file.
      </Empty>
      {repo.mayWrite && (
        <div class="p-4 pt-0">
          <Snippet
            label="Commands that sign a model"
            code={`pip install model-signing pyOpenSSL\nmodel_signing sign key --private_key key.pem --signature model.sig .\nhf upload ${repoId(repo)} model.sig`}
          />
        </div>
      )}
    </section>
  )
}

function Found({ repo, commit, signature }: { repo: RepoView; commit: string; signature: ModelSignature }) {
  const { status, detail, file, key, signer, report, checkedAt } = signature
  const isRead = report.name !== null
  return (
    <>
      <section class="panel p-4 grid gap-3" aria-label="Signature">
        <div>
          <ModelSignatureBadge status={status === 'none' ? 'pending' : status} />
        </div>
        <p>{words(repo, signature)}</p>
        {detail !== null && <p class="text-sm text-muted [overflow-wrap:anywhere]">{detail}</p>}
        <dl class="facts">
          {file !== null && (
            <Fact name="File">
              <a class="a break-all" href={revisionPath(repo, 'blob', commit, file)}>
                {file}
              </a>
            </Fact>
          )}
          {key !== null && (
            <Fact name={key.kind === 'key' ? 'Key' : 'Trusted through'}>
              {key.name}
              <code class="block text-xs text-muted [overflow-wrap:anywhere]">{key.fingerprint}</code>
            </Fact>
          )}
          {signer !== null && (
            <Fact name="Signed by">
              <span class="[overflow-wrap:anywhere]">{signer}</span>
            </Fact>
          )}
          {isRead && <Fact name="Model">{report.name === '' ? 'without a name' : report.name}</Fact>}
          {isRead && <Fact name="Files signed">{counted(report.files, 'file')}</Fact>}
          <Fact name="Commit">
            <code class="break-all">{commit}</code>
          </Fact>
          {checkedAt !== null && (
            <Fact name="Checked">
              <Time at={checkedAt} />
            </Fact>
          )}
        </dl>
      </section>
      {isRead && <Differences report={report} />}
    </>
  )
}

function words({ namespace, ownerKind }: RepoView, { status, reason }: ModelSignature): string {
  if (status === 'verified') return `Somebody whom ${namespace} trusts signed exactly these files.`
  if (status === 'pending') return 'It is being checked. Reload the page in a moment.'
  switch (reason) {
    case 'unknown_key':
      return ownerKind === 'organization'
        ? `Nobody whom ${namespace} trusts signed this.`
        : 'Organizations say whom they trust; for a repository of a person there is nobody who could vouch.'
    case 'file_changed':
    case 'file_missing':
    case 'file_extra':
      return `Somebody whom ${namespace} trusts signed other files than these.`
    case 'bad_signature':
      return 'The signature does not fit: it, or what it says, was changed.'
    case 'bad_certificate':
    case 'expired_certificate':
      return 'The certificate of whoever signed does not count.'
    case 'unsupported':
      return 'This hub cannot judge it.'
    default:
      return 'It cannot be read as a model signature.'
  }
}

function Differences({ report: { changed, missing, extra, links, uncovered } }: { report: Report }) {
  return (
    <>
      <FileList id="changed-h" title="Changed" list={changed} help="They differ from what was signed." />
      <FileList id="missing-h" title="Missing" list={missing} help="They were signed and are not there." />
      <FileList id="extra-h" title="Not signed" list={extra} help="They are there, and nobody signed them." />
      <FileList id="links-h" title="Links" list={links} help="This hub does not follow links." />
      <FileList
        id="uncovered-h"
        title="Left out"
        list={uncovered}
        help="Whoever signed said nothing about these: they may be anything."
      />
    </>
  )
}

function FileList(props: { id: string; title: string; list: Names; help: string }) {
  const { count, names } = props.list
  if (count === 0) return null
  return (
    <SettingsSection id={props.id} title={`${props.title}: ${counted(count, 'file')}`}>
      <div class="p-4 grid gap-2">
        <p class="text-sm text-muted">{props.help}</p>
        <ul class="grid gap-1 text-sm">
          {names.map((name) => (
            <li>
              <code class="[overflow-wrap:anywhere]">{name}</code>
            </li>
          ))}
        </ul>
        {count > names.length && <p class="text-sm text-muted">and {count - names.length} more</p>}
      </div>
    </SettingsSection>
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
