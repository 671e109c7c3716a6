/* An icon is a reference to a symbol; the layout writes each symbol once, so a thousand rows cost nothing. */
import type { IconName } from './icon-names.ts'
import { iconShapes } from './icons.generated.ts'
import { markSanitized, RawHtml } from './raw-html.tsx'
import { drawnIcons, noteIcon } from './render.ts'

export function Icon(props: { name: IconName; large?: boolean }) {
  noteIcon(props.name)
  return (
    <svg class={props.large ? 'i i-lg' : 'i'} aria-hidden="true">
      <use href={`#i-${props.name}`} />
    </svg>
  )
}

/** The symbols of everything drawn before it: stands last in the body. */
export function IconSheet() {
  const names = drawnIcons()
  if (names.length === 0) return null
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: a hidden sheet of symbols is never seen or read out
    <svg hidden={true} data-icons="">
      {names.map((name) => (
        <symbol id={`i-${name}`} viewBox="0 0 24 24">
          <RawHtml html={markSanitized(iconShapes[name])} />
        </symbol>
      ))}
    </svg>
  )
}
