/** A bare HTTP server around the git functions, for tests that need a real client and no hub. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GitStore } from '../../src/platform/git/git-store.ts'
import { type Push, receivePack, type Verdict } from '../../src/platform/git/receive-pack.ts'
import { advertiseRefs, type GitService, uploadPack } from '../../src/platform/git/upload-pack.ts'

export interface GitHttp extends AsyncDisposable {
  url: string
  failures: unknown[]
}

export interface GitHttpHooks {
  judge?: (push: Push) => Promise<Verdict>
  settle?: (push: Push) => Promise<void>
  requestLimit?: number
}

export async function serveGit(store: GitStore, repo: string, hooks: GitHttpHooks = {}): Promise<GitHttp> {
  const failures: unknown[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const protocol = request.headers['git-protocol']?.toString()
    const encoding = request.headers['content-encoding']
    response.setHeader('Cache-Control', 'no-cache')
    const exchange = {
      request,
      encoding,
      protocol,
      response,
      ...(hooks.requestLimit ? { requestLimit: hooks.requestLimit } : {}),
    }
    if (url.pathname === '/repo/info/refs') {
      const service = url.searchParams.get('service') as GitService
      response.setHeader('Content-Type', `application/x-${service}-advertisement`)
      await advertiseRefs(store, repo, service, { protocol, response })
    } else if (url.pathname === '/repo/git-upload-pack') {
      response.setHeader('Content-Type', 'application/x-git-upload-pack-result')
      await uploadPack(store, repo, exchange)
    } else if (url.pathname === '/repo/git-receive-pack') {
      response.setHeader('Content-Type', 'application/x-git-receive-pack-result')
      const judge = hooks.judge ?? (async () => ({ accept: true }) as const)
      await receivePack(store, repo, { ...exchange, judge, settle: hooks.settle ?? (async () => undefined) })
    } else {
      response.writeHead(404).end()
    }
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      failures.push(error)
      if (response.headersSent) response.destroy()
      else response.writeHead(400).end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/repo`,
    failures,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
