/**
 * The program of the starter: a small process that begins others at the hub's word. It holds little memory, so the system's copy of it for
 * each new process takes a millisecond, where the hub itself would stand still for many. The bytes do not pass through here, except those
 * of extra descriptors, which are few. Ends with the hub; what it began goes on, as it would with the hub itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ProcessOrder, signalGroup } from './process-start.ts'
import { connectionHead, type FromStarter, type ToStarter } from './starter-protocol.ts'

const socketPath = process.argv[2] ?? ''
const running = new Map<number, ChildProcess>()

process.on('message', (message: ToStarter) => {
  if (message.kind === 'signal') signalGroup(running.get(message.id)?.pid, message.signal)
  else
    begin(message.id, message.order).catch((error: Error) =>
      tell({ kind: 'failed', id: message.id, message: error.message }),
    )
})
process.on('disconnect', () => process.exit(0))
tell({ kind: 'ready' })

async function begin(id: number, order: ProcessOrder): Promise<void> {
  const count = 3 + order.extraPipes
  const ends = await Promise.all(Array.from({ length: count }, (_, descriptor) => connectEnd(id, descriptor)))
  try {
    const child = spawn(order.program, order.args, {
      env: order.environment,
      // A socket is handed over without "non-blocking" for the standard three alone; a shell cannot read others.
      stdio: [...ends.slice(0, 3), ...new Array<'pipe'>(order.extraPipes).fill('pipe')],
      detached: true,
    })
    child.once('error', (error) => {
      for (const end of ends) end.destroy()
      if (child.pid === undefined) tell({ kind: 'failed', id, message: error.message })
    })
    if (child.pid === undefined) return
    running.set(id, child)
    child.once('exit', (code, killedBy) => {
      running.delete(id)
      tell({ kind: 'ended', id, code, killedBy })
    })
    tell({ kind: 'started', id, pid: child.pid })
    for (let extra = 3; extra < count; extra++) relay(child.stdio[extra] as Duplex, ends[extra] as Socket)
  } finally {
    // The process has its own copies now; ours would keep its streams open.
    for (const end of ends.slice(0, 3)) end.destroy()
  }
}

function relay(pipe: Duplex, socket: Socket): void {
  const end = () => {
    pipe.destroy()
    socket.destroy()
  }
  pipe.on('error', end)
  socket.on('error', end)
  pipe.pipe(socket)
  socket.pipe(pipe)
}

function connectEnd(id: number, descriptor: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket()
    // What is read here would be lost to the process that this end is for.
    socket.pause()
    socket.once('error', reject)
    socket.connect(socketPath, () => {
      socket.write(connectionHead(id, descriptor), () => {
        socket.removeListener('error', reject)
        socket.on('error', () => undefined)
        resolve(socket)
      })
    })
  })
}

function tell(message: FromStarter): void {
  if (process.connected) process.send?.(message)
}
