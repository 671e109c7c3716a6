/* Scans on pages: the badges of a file (MAL-4), the banner of a repo that holds something unsafe (MAL-5), and the report of one file with its scanners. */
import { revisionPath } from '../../web/address.ts'
import { PickleBadge, ScanBadge, type ScanStatus, SecretBadge } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { Notice } from '../../web/notice.tsx'
import type { RepoView } from '../../web/repo-place.tsx'
import { counted } from '../../web/size.ts'
import { type FileStatus, type FileWithIssue, releasePath } from '../scanning/service.ts'
import { reasonOf } from '../storage/service.ts'
import type { FileScan } from './load-scans.ts'

export function ScanBadges({ scan }: { scan: FileScan }) {
  const { status, title } = badgeOf(scan)
  return (
    <span class="inline-flex flex-wrap gap-1">
      <ScanBadge status={status} title={title} />
      <PickleOf scan={scan} />
      {scan.secrets.found.length > 0 && (
        <SecretBadge count={scan.secrets.found.length} title={scan.secrets.message ?? undefined} />
      )}
    </span>
  )
}

/** What anti-malware scanners and checks of headers say; a dash says by its title why there is nothing to say. */
function badgeOf(scan: FileScan): { status: ScanStatus; title?: string } {
  const { malware, structure, isHeld, isScanning, reason } = scan
  const title = malware.message ?? undefined
  if (isHeld) return { status: 'held', title: heldWords(scan) }
  if (malware.status === 'unsafe') return { status: 'infected', title }
  if (malware.status === 'suspicious') return { status: 'suspicious', title }
  if (structure.status === 'unsafe' || structure.status === 'suspicious') {
    return { status: 'suspicious', title: structure.message ?? undefined }
  }
  if (malware.status === 'safe') return { status: 'ok', title: malware.version ?? undefined }
  if (malware.status === 'caution') return { status: 'partly', title }
  if (malware.status === 'error')
    return { status: 'error', title: reason === null ? undefined : `the scan failed: ${reason}` }
  return isScanning
    ? { status: 'scanning' }
    : { status: 'queued', title: reason === null ? undefined : `queued for scanning: ${reason}` }
}

function PickleOf({ scan: { pickle, admission } }: { scan: FileScan }) {
  if (pickle.status === 'unsafe') return <PickleBadge status="dangerous" title={pickle.message ?? undefined} />
  if (admission?.isAdmitted === false)
    return <PickleBadge status="not admitted" title={`not admitted: ${reasonOf(admission)}`} />
  if (admission?.isAdmitted) return <PickleBadge status="admitted" title="The owner's own list names what it imports" />
  if (pickle.status === 'suspicious') return <PickleBadge status="suspicious" title={pickle.message ?? undefined} />
  if (pickle.imports.length === 0) return null
  return <PickleBadge status="innocuous" title={`${counted(pickle.imports.length, 'import')}, all innocuous`} />
}

function heldWords({ status, admission }: FileScan): string {
  if (status !== 'unsafe' && admission?.policy === 'refuse' && !admission.isAdmitted) {
    return `Nobody can download this file, because ${reasonOf(admission)}. Its owner's list can admit more, or an administrator of this hub releases it.`
  }
  return 'Nobody can download this file until it is scanned and safe, or an administrator of this hub releases it.'
}

const mostNamed = 3

export function ScanBanner(props: { repo: RepoView; revision: string; alarms: readonly FileWithIssue[] }) {
  return (
    <>
      <HoldNotice repo={props.repo} />
      <Alarms {...props} />
    </>
  )
}

/** Nothing of the revision is handed out. */
function HoldNotice({ repo }: { repo: RepoView }) {
  if (repo.hold == null) return null
  return (
    <Notice kind="warning" standing={true}>
      <b>This revision is held.</b> Only signed models are handed out here. {repo.hold}
      {repo.modelSignature != null && (
        <>
          {' '}
          <a class="a" href={repo.modelSignature.href}>
            What was found
          </a>
        </>
      )}
    </Notice>
  )
}

function Alarms(props: { repo: RepoView; revision: string; alarms: readonly FileWithIssue[] }) {
  const { alarms } = props
  if (alarms.length === 0) return null
  const named = alarms.slice(0, mostNamed)
  const more = alarms.length - named.length
  return (
    <Notice kind="error" standing={true}>
      <b>{alarms.length === 1 ? '1 file is unsafe.' : `${alarms.length} files are unsafe.`}</b> Scanners found malware,
      or code that runs when the file is loaded, in{' '}
      {named.map(({ path }, index) => (
        <>
          {index > 0 && ', '}
          <a class="a" href={revisionPath(props.repo, 'blob', props.revision, path)}>
            <code class="[overflow-wrap:anywhere]">{path}</code>
          </a>
        </>
      ))}
      {more > 0 && ` and ${counted(more, 'other file')}`}. Do not load {alarms.length === 1 ? 'it' : 'them'}.
    </Notice>
  )
}

const words = {
  unscanned: 'not scanned yet',
  queued: 'waits for a scan',
  error: 'the scan failed',
  safe: 'nothing found',
  caution: 'nothing found in what was read',
  suspicious: 'suspicious',
  unsafe: 'unsafe',
} as const

/** `mayRelease`: for administrators of the hub. */
export function ScanFacts({ scan, mayRelease }: { scan: FileScan; mayRelease: boolean }) {
  return (
    <section class="panel overflow-hidden" aria-labelledby="scan-h">
      <div class="panel-head">
        <h2 id="scan-h" class="text-base font-semibold">
          Scan
        </h2>
        <ScanBadges scan={scan} />
      </div>
      <div class="p-4 grid gap-3">
        {scan.isHeld && <p>{heldWords(scan)}</p>}
        {scan.isHeld && mayRelease && (
          <p>
            <LinkButton look="danger" href={releasePath(scan.content)}>
              Release file
            </LinkButton>
          </p>
        )}
        <dl class="facts">
          <Fact name="Malware" said={scan.malware} />
          <Fact name="Pickles" said={scan.pickle} />
          {scan.admission !== null && (
            <>
              <dt>Admission</dt>
              <dd class="[overflow-wrap:anywhere]">
                {scan.admission.isAdmitted
                  ? 'admitted by the list of the owner'
                  : `not admitted: ${reasonOf(scan.admission)}`}
              </dd>
            </>
          )}
          <Fact name="Structure" said={scan.structure} />
          <dt>Secrets</dt>
          <dd class="[overflow-wrap:anywhere]">{secretWords(scan.secrets)}</dd>
          <dt>Content</dt>
          <dd>
            <code class="select-all [overflow-wrap:anywhere]">{scan.content}</code>
          </dd>
          {scan.reason !== null && (
            <>
              <dt>Now</dt>
              <dd class="[overflow-wrap:anywhere]">{scan.reason}</dd>
            </>
          )}
        </dl>
        {scan.secrets.found.length > 0 && (
          <details>
            <summary>{counted(scan.secrets.found.length, 'secret')} in this file</summary>
            <ul class="pt-2 grid gap-1">
              {scan.secrets.found.map(({ kind, line, masked }) => (
                <li>
                  Line {line}: {kind} {masked !== '' && <code>{masked}</code>}
                </li>
              ))}
            </ul>
            <p class="pt-2 text-sm text-muted">
              Whoever can read this file can read them. Make new ones where they came from: taking them out of the file
              leaves them in its history.
            </p>
          </details>
        )}
        {scan.pickle.imports.length > 0 && (
          <details open={scan.pickle.status !== 'safe'}>
            <summary>{counted(scan.pickle.imports.length, 'import')} of its pickles</summary>
            <ul class="pt-2 grid gap-1">
              {scan.pickle.imports.map(({ module, name, safety }) => (
                <li>
                  <code class="[overflow-wrap:anywhere]">
                    {module}.{name}
                  </code>{' '}
                  <span class={safety === 'innocuous' ? 'text-muted' : 'font-semibold'}>{safety}</span>
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </section>
  )
}

function secretWords({ status, message }: FileStatus['secrets']): string {
  return status === 'suspicious' ? `found: ${message}` : words[status]
}

function Fact({ name, said }: { name: string; said: FileStatus['malware'] }) {
  return (
    <>
      <dt>{name}</dt>
      <dd class="[overflow-wrap:anywhere]">
        {words[said.status]}
        {said.message !== null && `: ${said.message}`}
        {said.version !== null && <span class="text-muted"> ({said.version})</span>}
      </dd>
    </>
  )
}
