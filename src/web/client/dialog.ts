/* Dialogs have an address: the link opens a page with the dialog in it. Here the same address is fetched and its dialog
   shown over the page at hand, so that scroll and focus survive; Back, Esc, Cancel and a press outside close it. */

let trigger: HTMLElement | null = null

export function startDialogs(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
    if (!(event.target instanceof Element)) return
    const shown = shownDialog()
    const closing = event.target === shown || event.target.closest('[data-dialog-close]')
    if (shown && closing) {
      event.preventDefault()
      history.back()
      return
    }
    const link = event.target.closest<HTMLAnchorElement>('a[data-dialog]')
    if (!link) return
    event.preventDefault()
    void openFrom(link)
  })
  window.addEventListener('popstate', () => shownDialog()?.close())
  // A dialog that came with the page is not modal to the browser, so Esc is given here: it follows the Cancel link.
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || shownDialog()) return
    document.querySelector<HTMLAnchorElement>('dialog.sheet[open] a[data-dialog-close]')?.click()
  })
}

/** The dialog that this script opened, if any. */
function shownDialog(): HTMLDialogElement | null {
  return document.querySelector<HTMLDialogElement>('dialog.sheet[data-shown]')
}

async function openFrom(link: HTMLAnchorElement): Promise<void> {
  const dialog = await fetchDialog(link.href)
  if (!dialog) {
    location.assign(link.href)
    return
  }
  // A link inside a menu disappears with its menu: focus goes back to the button that opened the menu.
  const menu = link.closest<HTMLElement>('[popover]')
  trigger = menu ? document.querySelector<HTMLElement>(`[popovertarget="${CSS.escape(menu.id)}"]`) : link
  menu?.hidePopover()
  dialog.removeAttribute('open')
  dialog.dataset.shown = ''
  document.body.append(dialog)
  history.pushState({ dialog: true }, '', link.href)
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault()
    history.back()
  })
  dialog.addEventListener('close', () => {
    dialog.remove()
    trigger?.focus()
  })
  dialog.showModal()
}

async function fetchDialog(href: string): Promise<HTMLDialogElement | null> {
  try {
    const response = await fetch(href, { headers: { accept: 'text/html' } })
    if (!response.ok || response.redirected) return null
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const dialog = page.querySelector('dialog.sheet')
    if (!(dialog instanceof HTMLDialogElement)) return null
    adoptIcons(page)
    return document.adoptNode(dialog)
  } catch {
    // Offline or cut short: the browser's own navigation says so better than we could.
    return null
  }
}

/** The fetched page's sheet may hold icons that this page has not drawn yet. */
function adoptIcons(page: Document): void {
  const sheet = document.querySelector('svg[data-icons]')
  for (const symbol of page.querySelectorAll('svg[data-icons] > symbol')) {
    if (!document.getElementById(symbol.id)) sheet?.append(document.adoptNode(symbol))
  }
}
