/** The running hub: mounts every feature's routes, starts the workers, listens, and drains on stop. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Dispatcher, dispatcher } from './access/dispatch.ts'
import type { Route } from './access/route.ts'
import { jobHandlers, routes, settleOnStart, startOngoing } from './features/index.ts'
import type { Hub } from './hub.ts'
import { startWorkers } from './platform/jobs/workers.ts'
import { watchProcess } from './platform/metrics/process-metrics.ts'

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly dispatcher: Dispatcher
  /** Stops taking requests, waits for those under way, then for jobs. */
  stop(): Promise<void>
}

const drainMs = 25_000

export async function startServer(hub: Hub, mounted: readonly Route[] = routes): Promise<RunningServer> {
  const door = dispatcher(hub, mounted)
  const server = createServer(
    { headersTimeout: 30_000, requestTimeout: 0, keepAliveTimeout: 65_000, maxHeaderSize: 32_768 },
    (request, response) => door.handle(request, response),
  )
  server.on('clientError', (fault: NodeJS.ErrnoException, socket: Socket) => door.refuse(fault, socket))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // A connection on which nothing moves for this long is dead; git may think for minutes before it sends.
  server.setTimeout(600_000)
  hub.git.startApart((error) => hub.log.warn({ error }, 'Git is started from the main process for a minute'))
  await settleOnStart(hub)
  await listen(server, hub.config.port, hub.config.host)
  const { port } = server.address() as AddressInfo
  const workers = startWorkers({
    db: hub.db,
    log: hub.log,
    clock: hub.clock,
    handlers: jobHandlers(hub),
    concurrency: 2,
  })
  const ongoing = startOngoing(hub)
  const watch = watchProcess(hub.metrics)
  return {
    url: hub.config.publicUrl,
    port,
    dispatcher: door,
    stop: async () => {
      await close(server, door, sockets)
      await workers.stop()
      await ongoing.stop()
      await door.stop()
      watch.stop()
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

async function close(server: Server, door: Dispatcher, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), drainMs)
  const idle = setInterval(() => {
    if (door.underWay() > 0) return
    server.closeIdleConnections()
    // Clients open connections ahead: one on which nothing came yet is not idle to Node, and would be waited for.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }, 200)
  await closed
  clearTimeout(timer)
  clearInterval(idle)
}
