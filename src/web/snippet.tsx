/* A few lines of code to take away, with Copy. */
import { CopyButton } from './copy-button.tsx'

/** `label` names the code for screen readers, as in "git command". */
export function Snippet(props: { code: string; label: string }) {
  return (
    <div class="snip">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls; this only names code that scrolls */}
      <pre role="group" tabindex={0} aria-label={props.label}>
        {props.code}
      </pre>
      <CopyButton label={`Copy the ${props.label}`} />
    </div>
  )
}
