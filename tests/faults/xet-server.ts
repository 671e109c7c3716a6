/**
 * The half of the Xet rounds that dies: the whole server, on the data folder of the rounds. Node reads TypeScript by itself, but no JSX: the
 * pages come from the folder where the rounds have put them. It touches the data only when its standard input says so: the process is made while
 * the server before it still works.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [data = '', pages = ''] = process.argv.slice(2)
const root = fileURLToPath(new URL('../..', import.meta.url))

registerHooks({
  load: (url, context, next) => {
    if (!url.endsWith('.tsx')) return next(url, context)
    const file = path.join(pages, path.relative(root, fileURLToPath(url)))
    return { format: 'module', source: readFileSync(file), shortCircuit: true }
  },
})

// Only now: what a program imports statically is loaded before its first line.
const [{ readConfig, withFreePort }, { openHub }, { startServer }] = await Promise.all([
  import('../../src/config.ts'),
  import('../../src/hub.ts'),
  import('../../src/server.ts'),
])
await once(process.stdin, 'data')
process.stdin.destroy()
const config = await withFreePort(
  readConfig({ HOLDFAST_DATA: data, HOLDFAST_PORT: '0', HOLDFAST_LOG_LEVEL: 'error', HOLDFAST_RATE_LIMIT_API: '0' }),
)
const { url } = await startServer(await openHub(config))
console.log(`ready ${url}`)
