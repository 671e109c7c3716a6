/* The page that edits a file: an editor of code in place of the text area, and leaving with unsaved text asks first. */
import { openCodeEditor } from './code-editor.ts'
import { guardForms } from './guard.ts'

for (const box of document.querySelectorAll<HTMLTextAreaElement>('textarea[data-editor]')) startEditor(box)
guardForms()

function startEditor(box: HTMLTextAreaElement): void {
  const path = box.form?.elements.namedItem('path')
  const label = box.labels[0]
  const field = path instanceof HTMLInputElement ? path : null
  const editor = openCodeEditor(box, field?.value ?? '', label?.textContent ?? '')
  field?.addEventListener('change', () => editor.rename(field.value))
  label?.addEventListener('click', () => editor.focus())
  const hint = document.createElement('span')
  hint.className = 'help'
  hint.textContent =
    'Tab indents, Shift and Tab take it back. Press Escape first to move on with Tab. Ctrl and F search.'
  box.after(hint)
}
