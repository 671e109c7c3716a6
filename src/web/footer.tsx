/* The footer: what runs here, where the interface is described, and the colour switch, which is a plain form. */
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import type { PageContext } from './page-context.ts'

const links = [
  { href: '/docs', label: 'Documentation' },
  { href: '/docs/api', label: 'API' },
  { href: '/docs/trust', label: 'How trust works here' },
] as const

const themes: readonly { value: 'light' | 'dark' | 'system'; label: string; icon: IconName }[] = [
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
  { value: 'system', label: 'Same as the system', icon: 'monitor' },
]

export function Footer({ context }: { context: PageContext }) {
  const chosen = context.theme ?? 'system'
  return (
    <footer class="foot">
      <div class="wrap foot-row">
        <span>
          Holdfast {context.version} at {context.instanceName}
        </span>
        {links.map(({ href, label }) => (
          <a href={href}>{label}</a>
        ))}
        <form class="seg ml-auto" method="post" action="/theme" aria-label="Colours" data-theme-form="">
          <input type="hidden" name="back" value={context.path} />
          {themes.map(({ value, label, icon }) => (
            <button
              type="submit"
              name="theme"
              value={value}
              aria-label={label}
              aria-pressed={value === chosen ? 'true' : 'false'}
            >
              <Icon name={icon} />
            </button>
          ))}
        </form>
      </div>
    </footer>
  )
}
