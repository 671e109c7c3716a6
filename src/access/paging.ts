/** The `Link` header of a page of a list: an absolute address, because the JavaScript client takes no other. */
import type { Config } from '../config.ts'
import type { Headers } from './reply.ts'

export type PageParameters = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>

/** `path` is encoded already and begins with a slash. Parameters that are null or undefined are left out. */
export function nextPageLink(config: Config, path: string, parameters: PageParameters): Headers {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value == null) continue
    for (const one of typeof value === 'object' ? value : [value]) query.append(name, String(one))
  }
  return { link: `<${config.publicUrl}${path}?${query}>; rel="next"` }
}
