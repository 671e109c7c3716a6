/* What the pages of people's tokens and of service accounts' tokens show alike. */
import type { Child } from 'hono/jsx'
import { Expiry } from './badge.tsx'
import { Button } from './button.tsx'
import { SelectField, TextArea, TextField } from './field.tsx'
import type { FormState } from './form-state.ts'
import { Notice } from './notice.tsx'
import { overlaps } from './overlaps.ts'
import { renderingTime } from './render.ts'
import { Time } from './time.tsx'

type Used = {
  lastUsedAt: number | null
  lastUsedBy: { ip: string | null; program: string | null } | null
}

/** The value before the last refresh, while it is still taken. */
export type OldValueView = { lastFour: string; until: number } & Used

/** Posts `overlap`. */
export function OverlapField({ form }: { form: FormState }) {
  return (
    <SelectField
      form={form}
      name="overlap"
      label="The old value stops"
      choices={overlaps}
      value="0"
      help="Until then both work, and whoever uses the old one is warned."
    />
  )
}

/** From which networks, and from when on, a token is taken; `notBefore` in milliseconds. And what else narrows it. */
export type FenceView = {
  networks: readonly string[]
  notBefore: number | null
  paths: readonly string[]
  programs: readonly string[]
  requestsPerMinute: number | null
  bytesPerDay: number | null
}

const fenceNames = ['networks', 'notBefore', 'paths', 'programs', 'requestsPerMinute', 'gigabytesPerDay'] as const

/** Posts `networks`, `paths` and `programs` (one a line), `notBefore` (yyyy-mm-dd), `requestsPerMinute` and `gigabytesPerDay`. Open where anything is set or wrong. */
export function FenceFields({ form, fence }: { form: FormState; fence?: FenceView | undefined }) {
  const set: Readonly<Record<(typeof fenceNames)[number], string>> = {
    networks: fence?.networks.join('\n') ?? '',
    notBefore: fence?.notBefore == null ? '' : new Date(fence.notBefore).toISOString().slice(0, 10),
    paths: fence?.paths.join('\n') ?? '',
    programs: fence?.programs.join('\n') ?? '',
    requestsPerMinute: fence?.requestsPerMinute == null ? '' : String(fence.requestsPerMinute),
    gigabytesPerDay: fence?.bytesPerDay == null ? '' : String(fence.bytesPerDay / 1e9),
  }
  const isOpen = fenceNames.some((name) => set[name] || form.values[name] || form.errors[name] !== undefined)
  return (
    <details class="panel p-4" open={isOpen}>
      <summary class="font-medium">Limits: networks, time, files, programs</summary>
      <div class="grid gap-4 sm:grid-cols-2 pt-3">
        <TextArea
          form={form}
          name="networks"
          label="Networks"
          optional={true}
          rows={3}
          mono={true}
          value={set.networks}
          maxlength={2_000}
          help="One a line, such as 10.20.0.0/16 or 2001:db8::/32. From anywhere else the token is refused."
        />
        <TextArea
          form={form}
          name="paths"
          label="Files"
          optional={true}
          rows={3}
          mono={true}
          value={set.paths}
          maxlength={12_000}
          help="One pattern a line, such as *.safetensors or config/**. It reads these files alone, one at a time, and changes nothing."
        />
        <TextArea
          form={form}
          name="programs"
          label="Programs"
          optional={true}
          rows={3}
          mono={true}
          value={set.programs}
          maxlength={2_000}
          help="As they call themselves, one a line: hf_hub, git, curl. Finds a token in wrong hands, and stops nobody who lies."
        />
        <div class="grid gap-4 content-start">
          <TextField
            form={form}
            name="notBefore"
            type="date"
            label="First day"
            optional={true}
            value={set.notBefore}
            help="It is refused before that day (UTC)."
          />
          <TextField
            form={form}
            name="requestsPerMinute"
            digits={true}
            label="Requests a minute"
            optional={true}
            value={set.requestsPerMinute}
            help="More are told to wait."
          />
          <TextField
            form={form}
            name="gigabytesPerDay"
            label="GB a day"
            optional={true}
            value={set.gigabytesPerDay}
            help="Content that it takes away, from midnight to midnight (UTC). Nothing by git."
          />
        </div>
      </div>
    </details>
  )
}

/** In a list: that a token is fenced in. */
export function FenceMark({ fence }: { fence: FenceView }) {
  const [first, ...others] = fence.networks
  return (
    <>
      {first !== undefined && (
        <span class="text-xs text-muted block mt-0.5">
          only from <code>{first}</code>
          {others.length > 0 && ` and ${others.length} more`}
        </span>
      )}
      {(fence.paths.length > 0 ||
        fence.programs.length > 0 ||
        fence.requestsPerMinute !== null ||
        fence.bytesPerDay !== null) && (
        <span class="text-xs text-muted block mt-0.5">{limitsOf(fence).join(', ')}</span>
      )}
      {fence.notBefore !== null && fence.notBefore > renderingTime() && (
        <span class="text-xs text-muted block mt-0.5">
          starts <Time at={fence.notBefore} />
        </span>
      )}
    </>
  )
}

function limitsOf({ paths, programs, requestsPerMinute, bytesPerDay }: FenceView): string[] {
  const some = (list: readonly string[]) => (list.length > 1 ? `${list[0]} and ${list.length - 1} more` : list[0])
  return [
    ...(paths.length > 0 ? [`reads ${some(paths)}`] : []),
    ...(programs.length > 0 ? [`by ${some(programs)}`] : []),
    ...(requestsPerMinute === null ? [] : [`${requestsPerMinute} a minute`]),
    ...(bytesPerDay === null ? [] : [`${bytesPerDay / 1e9} GB a day`]),
  ]
}

/** Beside the value of a token in a list; `href` leads to its page, where it can be finished. */
export function OldValueMark({ old, href }: { old: OldValueView; href: string }) {
  return (
    <a class="block mt-0.5 text-xs" href={href}>
      old value hf_…{old.lastFour} stops <Time at={old.until} />
    </a>
  )
}

/** Who still uses the old value; `action` takes the post of *Finish now*. */
export function OldValueNotice({ old, action }: { old: OldValueView; action: string }) {
  return (
    <Notice kind={old.lastUsedAt === null ? 'info' : 'warning'} standing={true}>
      <form method="post" action={action} class="flex flex-wrap items-center gap-x-4 gap-y-2">
        <p class="flex-1 min-w-64">
          The old value, <code>hf_…{old.lastFour}</code>, stops <Time at={old.until} />.{' '}
          {old.lastUsedAt === null ? (
            'Nobody has used it since the refresh.'
          ) : (
            <>
              It is still used
              {old.lastUsedBy?.ip && (
                <>
                  {' '}
                  by <code>{old.lastUsedBy.ip}</code>
                </>
              )}
              {old.lastUsedBy?.program && (
                <>
                  , <code class="[overflow-wrap:anywhere]">{old.lastUsedBy.program}</code>
                </>
              )}
              , <Time at={old.lastUsedAt} />.
            </>
          )}
        </p>
        <Button>Finish now</Button>
      </form>
    </Notice>
  )
}

/** Facts of one token as a row of terms; `children` come first. */
export function TokenFacts(props: {
  token: { lastFour: string; createdAt: number; lastUsedAt: number | null; expiresAt: number | null }
  children?: Child
}) {
  const { token } = props
  return (
    <dl class="panel grid grid-cols-2 lg:grid-cols-5 gap-x-6 gap-y-3 p-4 text-sm [&_dt]:text-xs [&_dt]:text-muted">
      {props.children}
      <TokenFact name="Value">
        <code>hf_…{token.lastFour}</code>
      </TokenFact>
      <TokenFact name="Created">
        <Time at={token.createdAt} />
      </TokenFact>
      <TokenFact name="Last used">
        {token.lastUsedAt === null ? 'Not yet used' : <Time at={token.lastUsedAt} />}
      </TokenFact>
      <TokenFact name="Expires">
        <Expiry at={token.expiresAt} />
      </TokenFact>
    </dl>
  )
}

export function TokenFact(props: { name: string; children: Child }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )
}

/** Who would notice that the value stops working; nothing for a token that was never used. */
export function LastUse({ token, advice }: { token: Used; advice: string }) {
  if (token.lastUsedAt === null) return null
  return (
    <Notice kind="warning" small={true}>
      Used <Time at={token.lastUsedAt} />
      {token.lastUsedBy?.ip && (
        <>
          {' '}
          from <code>{token.lastUsedBy.ip}</code>
        </>
      )}
      {token.lastUsedBy?.program && (
        <>
          {' '}
          by <code class="[overflow-wrap:anywhere]">{token.lastUsedBy.program}</code>
        </>
      )}
      . {advice}
    </Notice>
  )
}
