/**
 * Where the links and pictures of a card lead. A card is a stranger's text: an address is taken apart by the same rules as the browser's and
 * put together anew, so what is written into the page is exactly what was judged. Relative ones stay inside the card's own repo and revision.
 */

export interface CardPlace {
  /** `/acme/m1`, encoded. */
  readonly repoPath: string
  /** As it stands in addresses, encoded. */
  readonly revision: string
  /** `https://hub.example`: what is absolute and of this origin is this hub. */
  readonly origin: string
  /** Where relative addresses begin, from the root of the repo, not encoded; a card lies at the root. */
  readonly folder?: string
}

const linkProtocols: readonly string[] = ['http:', 'https:', 'mailto:']
const longest = 4_000

/** The address for `<a href>`, or null where there is none that a card may lead to. */
export function cardLink(href: string, place: CardPlace): string | null {
  const text = plain(href)
  if (text === null) return null
  if (text.startsWith('#')) return `#${cardAnchor(decoded(text.slice(1)) ?? '')}`
  const absolute = absoluteUrl(text, place)
  if (absolute === 'relative') return inRepo(text, place, 'blob')
  if (absolute === null || !linkProtocols.includes(absolute.protocol)) return null
  return absolute.origin === place.origin ? pathOf(absolute) : absolute.href
}

/** The address for `<img src>`: bytes of a repo of this hub, since the policy of pages lets no other picture in. Else null. */
export function cardImage(src: string, place: CardPlace): string | null {
  const text = plain(src)
  if (text === null || text.startsWith('#')) return null
  const absolute = absoluteUrl(text, place)
  if (absolute === 'relative') return inRepo(text, place, 'resolve')
  if (absolute === null || absolute.origin !== place.origin) return null
  const match = /^((?:\/(?:datasets|spaces))?\/[^/]+\/[^/]+\/)(?:resolve|raw|blob)(\/[^/]+\/.+)$/.exec(
    absolute.pathname,
  )
  return match === null ? null : `${match[1]}resolve${match[2]}`
}

/** The id of a heading, apart from all ids of the page around it. */
export function cardAnchor(name: string): string {
  return `card-${name
    .replace(/^card-/, '')
    .replace(/\s+/g, '-')
    .slice(0, 120)}`
}

/** Browsers drop tabs and line breaks wherever they stand, and blanks around. */
function plain(address: string): string | null {
  if (address.length > longest) return null
  const text = address.replace(/[\x00-\x1f\x7f]/g, '').trim()
  return text === '' ? null : text
}

function absoluteUrl(text: string, place: CardPlace): URL | 'relative' | null {
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(text)
  if (!hasScheme && !/^[/\\]/.test(text)) return 'relative'
  return URL.parse(text, place.origin)
}

/** `//host` would be another site. */
function pathOf(url: URL): string | null {
  return url.pathname.startsWith('//') ? null : `${url.pathname}${url.search}${url.hash}`
}

function inRepo(text: string, place: CardPlace, view: 'blob' | 'resolve'): string | null {
  const [, path = '', fragment = ''] = /^([^?#]*)(?:\?[^#]*)?(?:#(.*))?$/s.exec(text) ?? []
  const isFromRoot = path === ''
  const parts: string[] = isFromRoot || !place.folder ? [] : place.folder.split('/')
  for (const part of path.replaceAll('\\', '/').split('/')) {
    const name = decoded(part)
    if (name === null || name.includes('/')) return null
    if (name === '' || name === '.') continue
    if (name !== '..') parts.push(name)
    else if (parts.pop() === undefined) return null
  }
  const isFolder = parts.length === 0 || path.endsWith('/')
  if (isFolder && view === 'resolve') return null
  const steps = [place.repoPath, isFolder ? 'tree' : view, place.revision, ...parts.map(encodeURIComponent)]
  const anchor = decoded(fragment) ?? ''
  return `${steps.join('/')}${anchor === '' ? '' : `#${encodeURIComponent(anchor)}`}`
}

function decoded(text: string): string | null {
  try {
    const value = decodeURIComponent(text)
    return value.isWellFormed() ? value : null
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}
