/* The page that edits a file: the tab key indents, and leaving with unsaved text asks first. */
import { guardForms } from './guard.ts'

const indent = '  '

for (const box of document.querySelectorAll<HTMLTextAreaElement>('textarea[data-editor]')) startEditor(box)
guardForms()

/** Escape lets the tab key move on once, so that nobody is caught in the field. */
function startEditor(box: HTMLTextAreaElement): void {
  let isLeaving = false
  const hint = document.createElement('span')
  hint.className = 'help'
  hint.id = 'field-content-keys'
  hint.textContent = 'Tab indents, Shift and Tab take it back. Press Escape first to move on with Tab.'
  box.after(hint)
  box.setAttribute('aria-describedby', `${box.getAttribute('aria-describedby') ?? ''} ${hint.id}`.trim())
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') isLeaving = true
    if (event.key !== 'Tab' || event.ctrlKey || event.altKey || event.metaKey) {
      if (event.key !== 'Escape' && event.key !== 'Shift') isLeaving = false
      return
    }
    if (isLeaving) {
      isLeaving = false
      return
    }
    event.preventDefault()
    if (event.shiftKey) takeBack(box)
    else putIndent(box)
  })
}

function putIndent(box: HTMLTextAreaElement): void {
  const { selectionStart: start, selectionEnd: end, value } = box
  if (!value.slice(start, end).includes('\n')) {
    replace(box, start, end, indent)
    return
  }
  const from = value.lastIndexOf('\n', start - 1) + 1
  const lines = value.slice(from, end).replace(/^(?=.)/gm, indent)
  replace(box, from, end, lines)
  box.setSelectionRange(from, from + lines.length)
}

function takeBack(box: HTMLTextAreaElement): void {
  const { selectionStart: start, selectionEnd: end, value } = box
  const from = value.lastIndexOf('\n', start - 1) + 1
  const before = value.slice(from, end)
  const lines = before.replace(/^(?: {1,2}|\t)/gm, '')
  if (lines === before) return
  replace(box, from, end, lines)
  if (start === end) box.setSelectionRange(from + lines.length, from + lines.length)
  else box.setSelectionRange(from, from + lines.length)
}

/** As if it were typed, so that the browser can take it back. */
function replace(box: HTMLTextAreaElement, from: number, to: number, text: string): void {
  box.setSelectionRange(from, to)
  const isDone = text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text)
  if (!isDone) box.setRangeText(text, from, to, 'end')
  box.dispatchEvent(new Event('input', { bubbles: true }))
}
