/* How the hub does: an overview, its scanners, its settings. Read, not changed: settings come from the environment. */
import type { Child } from 'hono/jsx'
import type { GivenSetting } from '../../config.ts'
import { Badge } from '../../web/badge.tsx'
import { Empty } from '../../web/empty.tsx'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { counted, countWords, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import type { InferenceGlance } from '../inference/service.ts'
import type { ScanningHealth } from '../scanning/service.ts'
import { bounded } from './organizations-page.tsx'
import type { HubCounts, QueueState } from './queries.ts'

export type OverviewView = {
  counts: HubCounts
  queues: readonly QueueState[]
  scanning: Pick<ScanningHealth, 'waiting' | 'waitingSince' | 'failed'>
  inference: InferenceGlance
  database: string
  storage: string
  uptimeMs: number
}

/** At /admin. */
export function OverviewPage({ context, view }: { context: PageContext; view: OverviewView }) {
  const failed = view.queues.reduce((sum, queue) => sum + queue.failed, 0)
  const waiting = view.queues.reduce((sum, queue) => sum + queue.waiting, 0)
  return (
    <HubSettingsPage context={context} title="Administration" place="">
      <PageHead title="This hub" lede={`${context.instanceName}, Holdfast ${context.version}`} />
      {failed > 0 && (
        <Notice
          kind="warning"
          standing={true}
          action={
            <a class="a" href={hubSettingsPath('jobs')}>
              Look at them
            </a>
          }
        >
          {counted(failed, 'job')} failed in every attempt.
        </Notice>
      )}
      {view.scanning.failed > 0 && (
        <Notice
          kind="warning"
          standing={true}
          action={
            <a class="a" href={hubSettingsPath('scanners')}>
              Scanners
            </a>
          }
        >
          {counted(view.scanning.failed, 'file')} could not be scanned.
        </Notice>
      )}
      <SettingsSection id="size-h" title="What is here">
        <dl class="p-4 grid gap-4 sm:grid-cols-3">
          <Figure label="Users" href={hubSettingsPath('users')} value={bounded(view.counts.users)} />
          <Figure
            label="Organizations"
            href={hubSettingsPath('organizations')}
            value={bounded(view.counts.organizations)}
          />
          <Figure label="Repositories" value={bounded(view.counts.repos)} />
        </dl>
      </SettingsSection>
      <SettingsSection id="inference-h" title="Inference">
        <dl class="p-4 grid gap-4 sm:grid-cols-3">
          <Figure
            label="Calls in the last 24 hours"
            value={bounded(view.inference.calls)}
            note={view.inference.failed === 0 ? null : `${countWords(view.inference.failed)} of them failed.`}
          />
          <Figure
            label="Models that answer"
            href="/models?inference=served"
            value={bounded(view.inference.models)}
            note={view.inference.embedded === 0 ? null : embeddedWords(view.inference)}
          />
          <Figure
            label="Servers left alone"
            value={countWords(view.inference.leftAlone)}
            note={
              view.inference.leftAlone === 0 ? null : 'They failed several times in a row, as this process sees it.'
            }
          />
        </dl>
      </SettingsSection>
      <SettingsSection id="run-h" title="How it runs">
        <dl class="facts p-4">
          <dt>Database</dt>
          <dd>{view.database}</dd>
          <dt>Large files</dt>
          <dd>{view.storage}</dd>
          <dt>Up since</dt>
          <dd>{durationWords(view.uptimeMs)}</dd>
          <dt>Jobs waiting</dt>
          <dd>
            <a class="a" href={hubSettingsPath('jobs')}>
              {countWords(waiting)}
            </a>
          </dd>
          <dt>Files to scan</dt>
          <dd>
            <a class="a" href={hubSettingsPath('scanners')}>
              {countWords(view.scanning.waiting)}
            </a>
            {view.scanning.waitingSince !== null && (
              <>
                , since <Time at={view.scanning.waitingSince} />
              </>
            )}
          </dd>
        </dl>
      </SettingsSection>
    </HubSettingsPage>
  )
}

function Figure(props: { label: string; value: string; href?: string; note?: string | null }) {
  return (
    <div>
      <dt class="text-sm text-muted">{props.label}</dt>
      <dd class="text-2xl font-semibold tabular-nums">
        {props.href ? (
          <a class="quiet" href={props.href}>
            {props.value}
          </a>
        ) : (
          props.value
        )}
        {props.note && <span class="block text-sm font-normal">{props.note}</span>}
      </dd>
    </div>
  )
}

function durationWords(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000)
  if (minutes < 1) return 'less than a minute'
  if (minutes < 60) return counted(minutes, 'minute')
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? counted(hours, 'hour') : counted(Math.floor(hours / 24), 'day')
}

/** At /admin/scanners. */
export function ScannersPage({ context, health }: { context: PageContext; health: ScanningHealth }) {
  return (
    <HubSettingsPage context={context} title="Scanners" place="scanners">
      <PageHead
        title="Scanners"
        lede="Each was asked just now. What a scanner finds counts for the bytes, wherever they lie."
      />
      <section class="panel" aria-label="Scanners">
        <Rows
          caption="Scanners of this hub"
          columns={[
            { label: 'Scanner' },
            { label: 'State' },
            { label: 'Version' },
            { label: 'Signatures', class: 'text-end' },
          ]}
        >
          {health.scanners.map(({ name, version, reason, signaturesAt }) => (
            <Row off={version === null}>
              <RowHead>{name}</RowHead>
              <Cell label="State" class="wrap-anywhere">
                {version === null ? (
                  <>
                    <Badge look="warning" icon="triangle-alert">
                      not working
                    </Badge>{' '}
                    {reason}
                  </>
                ) : (
                  <Badge look="bare-success" icon="check">
                    ok
                  </Badge>
                )}
              </Cell>
              <Cell label="Version" class="wrap-anywhere">
                {version ?? '–'}
              </Cell>
              <Cell label="Signatures" class="text-end">
                {signaturesAt === null ? '–' : <Time at={signaturesAt} />}
              </Cell>
            </Row>
          ))}
        </Rows>
      </section>
      <SettingsSection id="queue-h" title="Files">
        <dl class="facts p-4">
          <dt>Waiting</dt>
          <dd>
            {bounded(health.waiting)}
            {health.waitingSince !== null && (
              <>
                , the oldest since <Time at={health.waitingSince} />
              </>
            )}
          </dd>
          <dt>Not readable</dt>
          <dd>
            {bounded(health.failed)}
            {health.failed > 0 && ': no scanner could read them; the page of the file says why'}
          </dd>
          <dt>Unsafe</dt>
          <dd>
            <a class="a" href={hubSettingsPath('held')}>
              The list
            </a>
          </dd>
        </dl>
      </SettingsSection>
      <p class="text-sm text-muted">
        Verdicts of an older version are renewed by themselves.{' '}
        <a class="a" href="/docs/scanning">
          How scanning works
        </a>
      </p>
    </HubSettingsPage>
  )
}

/** At /admin/settings. */
export function SettingsOverviewPage(props: {
  context: PageContext
  given: readonly GivenSetting[]
  onlySet: boolean
}) {
  const shown = props.onlySet ? props.given.filter(({ isSet }) => isSet) : props.given
  const here = hubSettingsPath('settings')
  return (
    <HubSettingsPage context={props.context} title="Settings of this hub" place="settings">
      <PageHead
        title="Settings"
        lede="As this process was started with them. They come from the environment: change them there and start it again."
      />
      <nav class="flex gap-2 text-sm" aria-label="Which settings">
        <Choice href={here} current={!props.onlySet}>
          All
        </Choice>
        <Choice href={`${here}?only=set`} current={props.onlySet}>
          Only what was set
        </Choice>
      </nav>
      <section class="panel" aria-label="Settings">
        {shown.length === 0 ? (
          <Empty icon="settings" title="Nothing was set">
            Every setting has its default.
          </Empty>
        ) : (
          <Rows caption="Settings" columns={[{ label: 'Setting' }, { label: 'Value' }]}>
            {shown.map((setting) => (
              <Row>
                <RowHead description={setting.about}>
                  <code class="font-medium wrap-anywhere">{setting.env}</code>
                </RowHead>
                <Cell label="Value" class="wrap-anywhere">
                  <SettingValue setting={setting} />
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
    </HubSettingsPage>
  )
}

function Choice(props: { href: string; current: boolean; children: Child }) {
  return (
    <a class="btn btn-sm btn-line" href={props.href} aria-current={props.current ? 'page' : undefined}>
      {props.children}
    </a>
  )
}

function SettingValue({ setting }: { setting: GivenSetting }) {
  const { isSecret, isSet, value } = setting
  if (isSecret) return isSet ? <>set; a secret, not shown</> : <span class="text-muted">not set</span>
  if (value === null || value === '') return <span class="text-muted">not set</span>
  return (
    <>
      <code>{value}</code>
      {!isSet && <span class="text-muted"> by default</span>}
    </>
  )
}

function embeddedWords({ embedded, memory }: InferenceGlance): string {
  const loaded = memory === 0 ? 'none is loaded' : `the loaded ones take ${sizeWords(memory)}`
  return `${countWords(embedded)} of them run on this hub itself; in this process ${loaded}.`
}
