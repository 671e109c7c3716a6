/* The page that uploads files: drop or choose, a row with a bar for each, one press, one commit. Without this script the same form sends
   the files by itself. */
import { sizeWords } from '../size.ts'
import { droppedFiles, type Found } from './dropped-files.ts'
import { guardForms } from './guard.ts'
import { type Item, type Message, type Place, plan, upload } from './upload-run.ts'

const form = document.querySelector<HTMLFormElement>('form[data-upload]')
if (form) startUpload(form)
guardForms()

type Row = Item & { name: string; element: HTMLElement }

function startUpload(form: HTMLFormElement): void {
  const zone = cloned('upload-drop')
  const plain = form.querySelector<HTMLElement>('[data-upload-place]')
  const button = form.querySelector<HTMLButtonElement>('button[type="submit"]')
  const input = plain?.querySelector<HTMLInputElement>('input[type="file"]')
  if (!zone || !plain || !button || !input) return
  form.prepend(zone)
  // The field moves into the zone; its help, which is about the plain form, goes.
  plain.querySelector('.help')?.remove()
  input.removeAttribute('aria-describedby')
  zone.querySelector('[data-files-here]')?.replaceChildren(...plain.childNodes)
  plain.remove()

  const rows = new Map<string, Row>()
  const parts = { form, zone, button, rows }
  const take = (found: readonly Found[]): void => add(parts, found)
  input.addEventListener('change', () => {
    take(chosen(input))
    input.value = ''
  })
  const folder = zone.querySelector<HTMLInputElement>('[data-folder]')
  folder?.addEventListener('change', () => {
    take(chosen(folder))
    folder.value = ''
  })
  catchDrops(zone, take)
  let stop: AbortController | null = null
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (stop !== null) return
    stop = new AbortController()
    void run(parts, stop).finally(() => {
      stop = null
    })
  })
  window.addEventListener('beforeunload', (event) => {
    if (rows.size > 0 && form.dataset.done === undefined) event.preventDefault()
  })
}

type Parts = { form: HTMLFormElement; zone: HTMLElement; button: HTMLButtonElement; rows: Map<string, Row> }

function chosen(input: HTMLInputElement): Found[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }))
}

function catchDrops(zone: HTMLElement, take: (found: readonly Found[]) => void): void {
  // Anywhere on the page: a file dropped beside the zone would otherwise be opened in place of it.
  const over = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    zone.dataset.over = ''
  }
  document.addEventListener('dragover', over)
  document.addEventListener('dragleave', () => delete zone.dataset.over)
  document.addEventListener('drop', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    delete zone.dataset.over
    void droppedFiles(event.dataTransfer).then(take)
  })
}

function add({ form, zone, rows }: Parts, found: readonly Found[]): void {
  if (form.dataset.busy !== undefined) return
  for (const { path: name, file } of found) {
    rows.get(name)?.element.remove()
    const element = cloned('upload-row')
    if (!element) continue
    put(element, '[data-path]', name)
    put(element, '[data-size]', sizeWords(file.size))
    const bar = element.querySelector('progress')
    const words = element.querySelector<HTMLElement>('[data-words]')
    bar?.setAttribute('aria-label', `Progress of ${name}`)
    const row: Row = {
      name,
      path: name,
      file,
      element,
      there: undefined,
      isLarge: false,
      sha256: null,
      isStored: false,
      say: (text, state) => {
        if (!words) return
        words.textContent = text
        words.dataset.state = state ?? ''
      },
      progress: (done) => {
        if (bar) bar.value = file.size === 0 ? 1 : Math.min(1, done / file.size)
      },
    }
    const remove = element.querySelector<HTMLButtonElement>('[data-remove]')
    remove?.setAttribute('aria-label', `Leave out ${name}`)
    remove?.addEventListener('click', () => {
      if (form.dataset.busy !== undefined) return
      rows.delete(name)
      element.remove()
      showTotal(zone, rows)
    })
    rows.set(name, row)
    zone.querySelector('[data-list]')?.append(element)
  }
  showTotal(zone, rows)
  void look(form, rows)
}

/** Says at once what would be replaced. What cannot be asked now is asked again with the press. */
async function look(form: HTMLFormElement, rows: ReadonlyMap<string, Row>): Promise<void> {
  const open = [...rows.values()].filter(({ there }) => there === undefined)
  for (const row of open) row.path = pathOf(form, row.name)
  try {
    await plan(placeOf(form), open, AbortSignal.timeout(20_000))
    for (const row of open) row.say(row.there === null ? 'New' : 'Replaces the one that is there')
  } catch (error) {
    console.warn(error)
  }
}

async function run(parts: Parts, stop: AbortController): Promise<void> {
  const { form, zone, rows } = parts
  const items = [...rows.values()]
  if (items.length === 0) return complain(zone, 'Choose at least one file.')
  complain(zone, null)
  for (const item of items) {
    const path = pathOf(form, item.name)
    // Another folder, another place: what lies there was not looked at yet.
    if (path !== item.path) item.there = undefined
    item.path = path
    item.progress(0)
    item.say('Waiting')
  }
  const stopButton = lock(parts, stop)
  try {
    const landed = await upload(placeOf(form), items, messageOf(form, items), stop.signal)
    form.dataset.done = ''
    location.assign(`${form.dataset.repo ?? ''}/commit/${landed.commit}`)
  } catch (error) {
    const words = error instanceof Error ? error.message : 'That did not work.'
    // A refusal of the commit names the file that it is about.
    const named = new Set(words.split(/["\s:,]+/))
    for (const item of items) {
      const isTold = item.element.querySelector('[data-state="refused"]') !== null
      if (!isTold && !stop.signal.aborted && named.has(item.path)) item.say('Refused', 'refused')
    }
    complain(
      zone,
      stop.signal.aborted ? 'Stopped. Nothing was changed; what was sent is kept for the next try.' : words,
    )
  } finally {
    stopButton?.remove()
    unlock(parts)
  }
}

function lock({ form, button }: Parts, stop: AbortController): HTMLElement | null {
  form.dataset.busy = ''
  button.disabled = true
  const stopButton = cloned('upload-stop')
  stopButton?.addEventListener('click', () => stop.abort(new Error('Stopped.')))
  if (stopButton) button.after(stopButton)
  return stopButton
}

function unlock({ form, button }: Parts): void {
  delete form.dataset.busy
  button.disabled = form.dataset.done !== undefined
}

function complain(zone: HTMLElement, words: string | null): void {
  const problem = zone.querySelector<HTMLElement>('[data-problem]')
  if (!problem) return
  put(problem, '[data-problem-words]', words ?? '')
  problem.hidden = words === null
}

function showTotal(zone: HTMLElement, rows: ReadonlyMap<string, Row>): void {
  const list = zone.querySelector<HTMLElement>('[data-list]')
  const total = zone.querySelector<HTMLElement>('[data-total]')
  const bytes = [...rows.values()].reduce((sum, { file }) => sum + file.size, 0)
  if (list) list.hidden = rows.size === 0
  if (!total) return
  total.textContent = rows.size === 0 ? '' : `${rows.size} ${rows.size === 1 ? 'file' : 'files'}, ${sizeWords(bytes)}`
}

function placeOf(form: HTMLFormElement): Place {
  const { upload: api = '', repo = '', branch = '', hashWorker: worker = '' } = form.dataset
  return { api, repo, branch, worker }
}

function messageOf(form: HTMLFormElement, items: readonly Item[]): Message {
  const data = new FormData(form)
  const text = (name: string): string => String(data.get(name) ?? '').trim()
  const [only] = items
  const usual = items.length === 1 && only ? `Upload ${only.path}` : `Upload ${items.length} files`
  const newBranch = text('target') === 'new' ? text('newBranch') : null
  return { summary: text('summary') || usual.slice(0, 200), description: text('description'), newBranch }
}

function pathOf(form: HTMLFormElement, name: string): string {
  const folder = String(new FormData(form).get('folder') ?? '')
    .trim()
    .replace(/^\/+|\/+$/g, '')
  return folder === '' ? name : `${folder}/${name}`
}

function cloned(id: string): HTMLElement | null {
  const template = document.getElementById(id)
  if (!(template instanceof HTMLTemplateElement)) return null
  const copy = template.content.firstElementChild?.cloneNode(true)
  return copy instanceof HTMLElement ? copy : null
}

function put(element: HTMLElement, selector: string, text: string): void {
  const place = element.querySelector(selector)
  if (place) place.textContent = text
}
