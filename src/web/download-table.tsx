/* Download records as a table: when, who, what, with which credential, from where. The rest opens on request. */

import { commitPath, namespacePath, type RepoKind, repoPath } from './address.ts'
import { Cell, Row, Rows } from './rows.tsx'
import { counted, sizeWords } from './size.ts'
import { exactTime } from './time-words.ts'
import { Who } from './who.tsx'

/** A download record, as it is shown. */
export type DownloadView = {
  content: string
  repoKind: RepoKind
  /** `owner/name`, as it was then. */
  repoName: string
  /** Null where it was asked for by hash. */
  path: string | null
  commits: readonly string[]
  via: 'resolve' | 'raw' | 'page' | 'lfs' | 'xet' | 'git'
  actorKind: 'user' | 'service-account' | 'organization' | 'anonymous' | 'system'
  actorName: string
  credentialKind: 'session' | 'token' | null
  credentialLast4: string | null
  ip: string | null
  userAgent: string | null
  requests: number
  bytes: number
  firstAt: number
  lastAt: number
  /** Of audited downloads: where it stands in their chain. */
  seal?: number
}

/** Of which downloads a hub writes down who made them. */
export type RecordMode = 'restricted' | 'all' | 'off'

export const recordModeWords: Readonly<Record<RecordMode, string>> = {
  restricted:
    'This hub writes down who downloads from private repositories, and who downloads files that are known to be unsafe. Of public files from before that, it does not know.',
  all: 'This hub writes down every download; of people who are not signed in, their address.',
  off: 'This hub does not write down who downloads what (HOLDFAST_DOWNLOAD_RECORDS).',
}

const ways: Readonly<Record<DownloadView['via'], string>> = {
  resolve: 'download',
  raw: 'raw file',
  page: 'read on its page',
  lfs: 'Git LFS',
  xet: 'Xet',
  git: 'git clone or fetch',
}

/** `manyRepos`: each row says from which. */
export function DownloadTable(props: { records: readonly DownloadView[]; manyRepos?: boolean }) {
  const { records } = props
  return (
    <section class="scroll-x" tabindex={0} aria-label="Downloads, scrolls sideways">
      <Rows
        caption={`Downloads, newest first, ${records.length} records`}
        columns={[{ label: 'When (UTC)' }, { label: 'Who' }, { label: 'What' }, { label: 'With' }, { label: 'From' }]}
      >
        {records.map((record) => (
          <DownloadRow record={record} namesRepo={props.manyRepos === true} />
        ))}
      </Rows>
    </section>
  )
}

function DownloadRow({ record, namesRepo }: { record: DownloadView; namesRepo: boolean }) {
  const moment = new Date(record.lastAt).toISOString()
  return (
    <Row>
      <Cell class="nowrap text-muted align-top! items-start!">
        <time datetime={moment} title={exactTime(record.lastAt)}>
          {moment.slice(0, 10)} {moment.slice(11, 19)}
        </time>
      </Cell>
      {/* biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles */}
      <th role="rowheader" scope="row" class="font-normal! align-top! items-start!">
        <Actor record={record} />
      </th>
      <Cell label="What" class="align-top! items-start!">
        <What record={record} namesRepo={namesRepo} />
      </Cell>
      <Cell label="With" class="nowrap text-muted align-top! items-start!">
        {record.credentialKind === 'token' ? <code>hf_…{record.credentialLast4}</code> : (record.credentialKind ?? '–')}
      </Cell>
      <Cell label="From" class="nowrap text-muted align-top! items-start!">
        {record.ip === null ? '–' : <code>{record.ip}</code>}
      </Cell>
    </Row>
  )
}

function Actor({ record: { actorKind, actorName } }: { record: DownloadView }) {
  const kind = actorKind === 'user' || actorKind === 'service-account' ? actorKind : 'hub'
  const words = actorKind === 'anonymous' ? 'somebody not signed in' : actorName
  return (
    <span class="flex items-start gap-2">
      <Who kind={kind} name={actorName} size="small" />
      <span class="md:min-w-28 max-w-44 wrap-break-word">
        {kind === 'user' ? (
          <a class="quiet" href={namespacePath(actorName)}>
            {words}
          </a>
        ) : (
          words
        )}
        {actorKind === 'organization' && <span class="block text-xs text-muted">organization</span>}
        {kind === 'service-account' && <span class="block text-xs text-muted">service account</span>}
      </span>
    </span>
  )
}

function What({ record, namesRepo }: { record: DownloadView; namesRepo: boolean }) {
  const { via, path, requests, bytes, commits } = record
  const repo = placeOf(record)
  return (
    <details>
      <summary class="wrap-anywhere">
        {namesRepo && <b class="font-semibold">{record.repoName} </b>}
        {path ?? (via === 'git' ? 'all that its commits lead to' : 'by hash')}, {ways[via]}
      </summary>
      <dl class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1 py-2 text-xs">
        <dt class="text-muted">Repository</dt>
        <dd class="wrap-anywhere">
          <a class="a" href={repoPath(repo)}>
            {record.repoName}
          </a>
        </dd>
        {via !== 'git' && (
          <>
            <dt class="text-muted">Content</dt>
            <dd class="wrap-anywhere">
              <code>{record.content}</code>
            </dd>
          </>
        )}
        <dt class="text-muted">Requests</dt>
        <dd>
          {counted(requests, 'request')}
          {bytes > 0 && `, ${sizeWords(bytes)}`}, the first at {exactTime(record.firstAt)}
        </dd>
        {record.seal !== undefined && (
          <>
            <dt class="text-muted">Seal</dt>
            <dd>sealed in seal {record.seal} of the chain of downloads</dd>
          </>
        )}
        {record.userAgent !== null && (
          <>
            <dt class="text-muted">User agent</dt>
            <dd class="wrap-anywhere">{record.userAgent}</dd>
          </>
        )}
        {commits.length > 0 && (
          <>
            <dt class="text-muted">{via === 'git' ? 'Asked for' : 'Commit'}</dt>
            <dd class="wrap-anywhere">
              {commits.map((commit) => (
                <>
                  <a class="a" href={commitPath(repo, commit)}>
                    <code>{commit.slice(0, 7)}</code>
                  </a>{' '}
                </>
              ))}
            </dd>
          </>
        )}
      </dl>
    </details>
  )
}

/** As it was called then; the hub leads on from names of before. */
function placeOf({ repoKind, repoName }: DownloadView) {
  const [namespace = '', name = ''] = repoName.split('/', 2)
  return { kind: repoKind, namespace, name }
}
