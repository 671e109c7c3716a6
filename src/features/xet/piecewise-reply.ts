/** Sends JSON that is made while it is sent: a short one as a whole, with its length; a long one as fast as the client reads. */
import type { HttpRequest } from '../../access/http-request.ts'
import { type Reply, taken } from '../../access/reply.ts'
import { turnGiver } from '../../platform/give-turn.ts'

/** Up to here a fault is still told with a status of its own. */
const wholeUpTo = 262_144

export async function replyInPieces({ response }: HttpRequest, pieces: AsyncGenerator<string>): Promise<Reply> {
  const type = 'application/json; charset=utf-8'
  const headers = { 'cache-control': 'no-store' }
  const giveTurn = turnGiver()
  let text = ''
  let isLong = false
  for await (const piece of pieces) {
    text += piece
    await giveTurn()
    if (text.length < wholeUpTo) continue
    if (!isLong) response.writeHead(200, { ...headers, 'content-type': type })
    isLong = true
    if (response.destroyed) return taken
    if (!response.write(text)) await drained(response)
    text = ''
  }
  if (!isLong) return { kind: 'body', status: 200, type, body: text, headers }
  response.end(text)
  return taken
}

async function drained(response: HttpRequest['response']): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      response.off('drain', end)
      response.off('close', end)
      resolve()
    }
    response.on('drain', end)
    response.on('close', end)
  })
}
