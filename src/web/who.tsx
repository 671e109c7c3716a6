/* The shape says who acts: a circle is a person, a square an organization, an octagon a machine; the hub itself is a square with its anchor. */
import { Icon } from './icon.tsx'

export type WhoKind = 'user' | 'organization' | 'service-account' | 'hub'

type WhoProps = {
  kind: WhoKind
  /** The name that the letters are taken from. */
  name: string
  size?: 'small' | 'large'
  /** Deleted or disabled: grey. */
  off?: boolean
}

const kindClass: Readonly<Record<WhoKind, string>> = {
  user: '',
  organization: ' who-org',
  'service-account': ' who-sa',
  hub: ' who-org',
}

export function Who(props: WhoProps) {
  const size = props.size === 'small' ? ' who-sm' : props.size === 'large' ? ' who-lg' : ''
  return (
    <span class={`who${kindClass[props.kind]}${size}${props.off ? ' who-off' : ''}`} aria-hidden="true">
      {props.kind === 'service-account' ? (
        <Icon name="bot" />
      ) : props.kind === 'hub' ? (
        <Icon name="anchor" />
      ) : (
        initials(props.name, props.kind)
      )}
    </span>
  )
}

/** Two letters for a person (of two words, or the first two), one for an organization. */
export function initials(name: string, kind: WhoKind = 'user'): string {
  const words = name
    .trim()
    .split(/[\s._-]+/)
    .filter(Boolean)
  const first = [...(words[0] ?? '?')]
  if (kind === 'organization') return (first[0] ?? '?').toUpperCase()
  const second = words.length > 1 ? [...(words.at(-1) ?? '')][0] : first[1]
  return `${first[0] ?? '?'}${second ?? ''}`.toUpperCase()
}
