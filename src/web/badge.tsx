/* Badges say a word and carry an icon, never colour alone. Solid red is kept for danger that is live. What is ordinary
   (public, unsigned, plain git) shows no badge at all. */
import type { Child } from 'hono/jsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import { renderingTime } from './render.ts'
import { daysUntil, shortDate } from './time-words.ts'

type BadgeLook = 'plain' | 'store' | 'success' | 'warning' | 'error' | 'live-danger' | 'machine' | 'bare-success'

const looks: Readonly<Record<BadgeLook, string>> = {
  plain: 'badge badge-plain',
  store: 'badge badge-store',
  success: 'badge badge-soft badge-success',
  warning: 'badge badge-soft badge-warning',
  error: 'badge badge-soft badge-error',
  'live-danger': 'badge badge-error',
  machine: 'badge badge-soft badge-secondary',
  'bare-success': 'badge badge-bare text-success',
}

export function Badge(props: { look?: BadgeLook; icon?: IconName; title?: string; href?: string; children: Child }) {
  const look = looks[props.look ?? 'plain']
  const inside = (
    <>
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </>
  )
  return props.href ? (
    <a class={look} href={props.href} title={props.title}>
      {inside}
    </a>
  ) : (
    <span class={look} title={props.title}>
      {inside}
    </span>
  )
}

export type SignatureStatus = 'verified' | 'unverified' | 'hub' | 'none'

/** With `href` it opens signer, key, reason and time of verification. */
export function SignatureBadge(props: { status: SignatureStatus; href?: string; title?: string }) {
  switch (props.status) {
    case 'verified':
      return (
        <Badge look="success" icon="badge-check" {...props}>
          Verified
        </Badge>
      )
    case 'unverified':
      return (
        <Badge look="warning" icon="badge-question-mark" {...props}>
          Unverified
        </Badge>
      )
    case 'hub':
      return (
        <Badge icon="anchor" {...props}>
          Signed by this hub
        </Badge>
      )
    case 'none':
      return null
  }
}

export type ScanStatus = 'ok' | 'infected' | 'held' | 'suspicious' | 'partly' | 'queued' | 'scanning' | 'error'

const scanDashes: Readonly<Record<'partly' | 'queued' | 'scanning' | 'error', string>> = {
  partly: 'partly scanned',
  queued: 'queued for scanning',
  scanning: 'scanning',
  error: 'the scan failed',
}

export function ScanBadge(props: { status: ScanStatus; title?: string }) {
  switch (props.status) {
    case 'ok':
      return (
        <Badge look="bare-success" icon="check" title={props.title}>
          ok
        </Badge>
      )
    case 'infected':
      return (
        <Badge look="live-danger" icon="bug" title={props.title}>
          infected
        </Badge>
      )
    case 'held':
      return (
        <Badge look="live-danger" icon="lock" title={props.title}>
          held
        </Badge>
      )
    case 'suspicious':
      return (
        <Badge look="warning" icon="triangle-alert" title={props.title}>
          suspicious
        </Badge>
      )
    default:
      return (
        <span class="text-muted" title={props.title ?? scanDashes[props.status]}>
          –<span class="sr-only">no verdict: {props.title ?? scanDashes[props.status]}</span>
        </span>
      )
  }
}

export type PickleStatus = 'innocuous' | 'admitted' | 'not admitted' | 'suspicious' | 'dangerous'

/** Stands beside ok or infected, never instead of it. */
export function PickleBadge(props: { status: PickleStatus; href?: string; title?: string }) {
  switch (props.status) {
    case 'innocuous':
      return (
        <Badge icon="package-check" {...props}>
          pickle
        </Badge>
      )
    case 'admitted':
      return (
        <Badge icon="package-check" {...props}>
          pickle: admitted
        </Badge>
      )
    case 'not admitted':
      return (
        <Badge look="warning" icon="package-search" {...props}>
          pickle: not admitted
        </Badge>
      )
    case 'suspicious':
      return (
        <Badge look="warning" icon="package-search" {...props}>
          pickle: suspicious
        </Badge>
      )
    case 'dangerous':
      return (
        <Badge look="error" icon="package-x" {...props}>
          pickle: dangerous
        </Badge>
      )
  }
}

/** Something in the file has the form of a secret; says nothing about whether it is safe to load. */
export function SecretBadge(props: { count: number; title?: string }) {
  return (
    <Badge look="warning" icon="key-round" title={props.title}>
      {props.count === 1 ? 'secret' : 'secrets'}
    </Badge>
  )
}

export type StorageKind = 'git' | 'lfs' | 'xet'

export function StorageBadge(props: { kind: StorageKind }) {
  if (props.kind === 'git') return null
  return props.kind === 'lfs' ? (
    <Badge look="store" title="Stored as one large object">
      LFS
    </Badge>
  ) : (
    <Badge look="store" title="Stored by content-defined chunks">
      Xet
    </Badge>
  )
}

export type ModelSignatureStatus = 'verified' | 'unverified' | 'pending'

/** With `href` it opens who signed and which files differ. */
export function ModelSignatureBadge(props: { status: ModelSignatureStatus; href?: string }) {
  switch (props.status) {
    case 'verified':
      return (
        <Badge look="success" icon="file-badge" {...props}>
          signed model
        </Badge>
      )
    case 'unverified':
      return (
        <Badge look="warning" icon="badge-question-mark" {...props}>
          model signature: unverified
        </Badge>
      )
    case 'pending':
      return (
        <Badge icon="refresh-cw" {...props}>
          model signature: being checked
        </Badge>
      )
  }
}

export function RepoBadges(props: {
  isPrivate: boolean
  isGated?: boolean
  workspace?: string
  modelSignature?: { status: ModelSignatureStatus; href?: string } | null
}) {
  return (
    <>
      {props.isPrivate && <Badge icon="lock">private</Badge>}
      {props.isGated && <Badge icon="ticket">gated</Badge>}
      {props.workspace && <Badge icon="layers">workspace: {props.workspace}</Badge>}
      {props.modelSignature && <ModelSignatureBadge {...props.modelSignature} />}
    </>
  )
}

export type TokenRole = 'fineGrained' | 'read' | 'write'

/** A token's role in the words of the pages: `fine-grained`, `read`, `write`. */
export function tokenRoleWord(role: TokenRole): string {
  return role === 'fineGrained' ? 'fine-grained' : role
}

export function TokenRoleBadge(props: { role: TokenRole }) {
  return <Badge>{tokenRoleWord(props.role)}</Badge>
}

export function NotEffectiveBadge() {
  return <Badge icon="circle-off">no longer effective</Badge>
}

/** When something expires: never, a date, `in 5 days` in amber from 30 days on, red once it is over. */
export function Expiry(props: { at: number | null }) {
  if (props.at === null) return <span class="text-muted">Never</span>
  const now = renderingTime()
  if (props.at <= now) {
    return (
      <Badge look="error" icon="clock-alert">
        expired {shortDate(props.at)}
      </Badge>
    )
  }
  const days = daysUntil(props.at, now)
  if (days <= 30) {
    return (
      <Badge look="warning" icon="clock-alert" title={shortDate(props.at)}>
        {days === 0 ? 'today' : days === 1 ? 'in 1 day' : `in ${days} days`}
      </Badge>
    )
  }
  return <time datetime={new Date(props.at).toISOString()}>{shortDate(props.at)}</time>
}

export function ServiceAccountBadge() {
  return (
    <Badge look="machine" icon="bot">
      service account
    </Badge>
  )
}
