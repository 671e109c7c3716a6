/** The pages of the server as JavaScript, for a server that runs from its sources in a process of its own. */
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformWithOxc } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Under their own names, below `folder`. */
export async function writePages(folder: string): Promise<void> {
  const jsx = { runtime: 'automatic', importSource: 'hono/jsx' } as const
  for await (const name of glob('src/**/*.tsx', { cwd: root })) {
    const file = path.join(root, name)
    const { code } = await transformWithOxc(await readFile(file, 'utf8'), file, { jsx })
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), code)
  }
}
