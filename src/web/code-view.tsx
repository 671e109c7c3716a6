/* A text file with line numbers; each number is the link to its line (`#L12`). The caller bounds the text: a page is
   rendered in one go, so what is longer than `codeViewLimit` is offered as raw instead. */
import { numberedLineRows, RawHtml, type SafeHtml } from './raw-html.tsx'

/** Lines and characters that one page shows. */
export const codeViewLimit = { lines: 5000, characters: 500_000 } as const

/** Whether a text is short enough to be shown line by line. */
export function fitsCodeView(text: string): boolean {
  if (text.length > codeViewLimit.characters) return false
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return lines <= codeViewLimit.lines
}

/** `rows`: the same lines with colours, where there are any. */
export function CodeView(props: { text: string; name: string; rows?: SafeHtml | null }) {
  return (
    <section class="scroll-x" tabindex={0} aria-label={`Contents of ${props.name}`}>
      <table class="code">
        <caption class="sr-only">{props.name}, line by line</caption>
        <tbody>
          <RawHtml html={props.rows ?? plainRows(props.text)} />
        </tbody>
      </table>
    </section>
  )
}

function plainRows(text: string): SafeHtml {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return numberedLineRows(lines)
}
