/** `holdfast serve`: opens the hub, serves it, and stops it gracefully on SIGINT or SIGTERM. */
import { readConfig, withFreePort } from '../config.ts'
import { HoldfastError } from '../domain/errors.ts'
import { ensureSetupLink } from '../features/accounts/service.ts'
import { type Hub, openHub } from '../hub.ts'
import { startServer } from '../server.ts'

export async function serve(): Promise<void> {
  const config = await withFreePort(readConfig())
  const hub = await openHub(config)
  if (config.s3 !== null) await checkObjectStorage(hub)
  const server = await startServer(hub)
  const setupLink = await ensureSetupLink(hub)
  if (setupLink !== null) {
    process.stdout.write(`This hub has no administrator. Open this link once to become it:\n  ${setupLink}\n`)
  }
  process.stdout.write(`Holdfast is ready at ${server.url}\n`)
  let isStopping = false
  const stop = (signal: string): void => {
    if (isStopping) process.exit(1)
    isStopping = true
    hub.log.info({ signal }, 'Stopping: no new requests; those under way are finished')
    server
      .stop()
      .then(() => hub.close())
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        hub.log.error({ error }, 'The hub did not stop cleanly')
        process.exit(1)
      })
  }
  process.on('SIGINT', () => stop('SIGINT'))
  process.on('SIGTERM', () => stop('SIGTERM'))
}

/** A store that refuses us will do so for ever: better now than at the first upload. One that is away may come back. */
async function checkObjectStorage(hub: Hub): Promise<void> {
  try {
    await hub.blobs.probe()
  } catch (error) {
    if (!(error instanceof HoldfastError && error.code === 'store_unreachable')) {
      await hub.close()
      throw error
    }
    hub.log.warn({ error }, 'The object storage does not answer: large files cannot be read or written')
  }
}
