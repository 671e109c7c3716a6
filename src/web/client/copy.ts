/* Copy buttons: what is copied is the button's own `data-copy`, or the text of the code it stands beside.
   It answers "Copied" in place for two seconds. */
import { announce } from './announce.ts'

const shownFor = 2000

export function startCopying(): void {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-copy]') : null
    if (button) void copyFrom(button)
  })
}

async function copyFrom(button: HTMLElement): Promise<void> {
  const source = button.parentElement?.querySelector('pre, code')
  const text = button.dataset.copy || source?.textContent || ''
  try {
    await navigator.clipboard.writeText(text)
    answer(button, 'Copied', 'check')
  } catch {
    // Browsers refuse the clipboard outside https and localhost: select the text so that one key press copies it.
    if (source) window.getSelection()?.selectAllChildren(source)
    answer(button, 'Not copied; press Ctrl C', 'x')
  }
}

function answer(button: HTMLElement, words: string, icon: string): void {
  if (button.dataset.answered !== undefined) return
  button.dataset.answered = ''
  const use = button.querySelector('use')
  const label = button.querySelector('[data-copy-label]')
  const before = { icon: use?.getAttribute('href'), label: label?.textContent, name: button.getAttribute('aria-label') }
  use?.setAttribute('href', `#i-${icon}`)
  if (label) label.textContent = words
  else button.setAttribute('aria-label', words)
  announce(words)
  setTimeout(() => {
    if (before.icon) use?.setAttribute('href', before.icon)
    if (label && before.label) label.textContent = before.label
    if (before.name) button.setAttribute('aria-label', before.name)
    delete button.dataset.answered
  }, shownFor)
}
