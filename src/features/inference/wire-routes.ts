/** The addresses at which models answer: OpenAI's API under `/v1`, and the classic one under `/models`. */
import { z } from 'zod'
import { readBodyOrBytes } from '../../access/body.ts'
import { json, type Reply } from '../../access/reply.ts'
import { type Asked, type Params, type Route, type Call as RouteCall, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { admit } from './admit.ts'
import { BackendFault } from './ask-backend.ts'
import { openAiAddress } from './backend.ts'
import { billedTo } from './billing.ts'
import { classicCall } from './classic.ts'
import { type ClassicBody, classicShape } from './classic-parts.ts'
import { embeddedClassic, embeddedOpenAi } from './embedded/embedded.ts'
import { forgetModel } from './embedded/running.ts'
import { refuseHeldModel } from './hold.ts'
import { getCallable, listCallable, presentModel } from './list-models.ts'
import { findServed, type Served } from './queries.ts'
import { relay } from './relay.ts'
import { type OpenAiPath, openAiPaths } from './wire-names.ts'

/** Of a request: images come inside of it. */
const bodyLimit = 16_777_216

/** Every other field is the server's to judge. */
const openAiShape = z.looseObject({ model: z.string().min(1).max(300), stream: z.boolean().nullish() })
/** Where the address names the model, the field is what a client had to write. */
const namedShape = z.looseObject({ model: z.string().max(300).nullish(), stream: z.boolean().nullish() })
type OpenAiBody = z.output<typeof namedShape>

const inPath = ({ params }: { readonly params: Params }) =>
  ({ on: 'repo', kind: 'model', namespace: params.get('namespace'), name: params.get('name') }) as const

/** A name that is not `owner/name` is that of no repo. */
function inBody({ body }: Asked<z.output<typeof openAiShape>>) {
  const [namespace = '', name = '', ...rest] = body.model.split('/')
  return { on: 'repo', kind: 'model', namespace: rest.length === 0 ? namespace : '', name } as const
}

export type InferCall = RouteCall<'repo.infer', unknown, unknown>

const answers = {
  200: 'What the server of the model answers; events, as they come, where `stream` is set',
  401: 'No token, or none that is valid',
  403: 'The token does not carry `inference.serverless.write`, the model is gated or held, or who is to be billed is not the caller',
  404: 'No such model, or no server answers for it',
  429: 'A limit of requests or tokens is used up: of the organization that is billed, a workspace, the account, or the token',
  502: 'The servers of the model failed',
  503: 'They are busy',
}

export const wireRoutes: Route[] = [
  ...openAiPaths.map((path) =>
    route({
      method: 'POST',
      path: `/v1/${path}`,
      surface: 'openai',
      action: 'repo.infer',
      target: inBody,
      decidesByBody: true,
      body: openAiShape,
      bodyLimit,
      summary: `Calls the model \`model\` (\`owner/name\`) as OpenAI's API has it: ${path}.`,
      answers,
      handle: (call) => passThrough(call, path, call.body),
    }),
  ),
  ...openAiPaths.map((path) =>
    route({
      method: 'POST',
      path: `/models/:namespace/:name/v1/${path}`,
      surface: 'openai',
      action: 'repo.infer',
      target: inPath,
      body: namedShape,
      bodyLimit,
      summary: `As /v1/${path}, of the model in the address.`,
      answers,
      handle: (call) => passThrough(call, path, call.body),
    }),
  ),
  route({
    method: 'POST',
    path: '/models/:namespace/:name',
    surface: 'api',
    action: 'repo.infer',
    target: inPath,
    summary: 'Calls a model by the classic API: JSON (`inputs`, `parameters`, `options`), or the bytes of an image.',
    answers,
    handle: async (call) => classic(call, null, await classicBody(call)),
  }),
  route({
    method: 'POST',
    path: '/models/:namespace/:name/pipeline/:task',
    surface: 'api',
    action: 'repo.infer',
    target: inPath,
    summary: 'As /models/{id}, with the task in the address.',
    answers,
    handle: async (call) => classic(call, call.params.get('task'), await classicBody(call)),
  }),
  route({
    method: 'GET',
    path: '/v1/models',
    surface: 'openai',
    action: 'inference.list',
    target: { on: 'instance' },
    query: z.object({
      after: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
    }),
    summary:
      'The models that the caller sees and that a server answers for, newest first; `after` the id of the last one.',
    handle: async ({ hub, facts, query }) => json(await listCallable(hub, facts, query)),
  }),
  route({
    method: 'GET',
    path: '/v1/models/:namespace/:name',
    surface: 'openai',
    action: 'repo.infer',
    target: inPath,
    summary: 'One of the models that can be called.',
    handle: async ({ hub, allowed }) => json(presentModel(await getCallable(hub, allowed))),
  }),
  route({
    method: 'GET',
    path: '/v1/models/:id',
    surface: 'openai',
    action: 'repo.infer',
    // As clients write it that escape the slash.
    target: ({ params }) => {
      const [namespace = '', name = ''] = params.get('id').split('/')
      return { on: 'repo', kind: 'model', namespace, name } as const
    },
    summary: 'As /v1/models/{owner}/{name}, with the slash escaped.',
    handle: async ({ hub, allowed }) => json(presentModel(await getCallable(hub, allowed))),
  }),
]

export async function passThrough(call: InferCall, path: OpenAiPath, body: OpenAiBody): Promise<Reply> {
  const { served, billed, name } = await prepare(call)
  if (served.isEmbedded) {
    return await admitted(call, { served, billed, ...notByServer, ...(await embeddedOpenAi(call, served, path, body)) })
  }
  const isStream = body.stream === true
  return await admitted(call, {
    served,
    billed,
    route: path,
    questionFor: (backend) => ({
      url: openAiAddress(backend, path),
      body: written({ ...body, model: backend.model ?? name }),
      isStream,
    }),
    check: (value) => requireAnswer(path, value),
  })
}

/** The list that each answer of OpenAI's API has; clients read its first entry without a look. */
const listIn: Readonly<Record<OpenAiPath, string>> = {
  'chat/completions': 'choices',
  completions: 'choices',
  embeddings: 'data',
  responses: 'output',
}

/** Throws `BackendFault`. */
function requireAnswer(path: OpenAiPath, value: unknown): void {
  const name = listIn[path]
  const list = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  if (!Array.isArray(list)) throw new BackendFault(`its answer has no "${name}".`)
}

export async function classic(call: InferCall, task: string | null, body: Buffer | ClassicBody): Promise<Reply> {
  const { served, billed, name } = await prepare(call)
  if (served.isEmbedded) {
    return await admitted(call, {
      served,
      billed,
      ...notByServer,
      ...(await embeddedClassic(call, served, task, body)),
    })
  }
  return await admitted(call, { served, billed, ...classicCall(served, name, task, body) })
}

/** Checked against its shape where it is no bytes. */
async function classicBody({ request }: InferCall): Promise<Buffer | ClassicBody> {
  return (await readBodyOrBytes(request, classicShape, bodyLimit)) as Buffer | ClassicBody
}

/** No server is asked where the hub answers itself. */
const notByServer = {
  questionFor: () => {
    throw new Error('A server was asked for a model that the hub runs itself.')
  },
}

/** Within what may be used: the last thing that is asked. */
async function admitted(call: InferCall, asked: Parameters<typeof relay>[1]): Promise<Reply> {
  await admit(call.hub, call.facts, call.request, asked.billed)
  return await relay(call, asked)
}

/** Everything that is asked before a server is. */
async function prepare(
  call: InferCall,
): Promise<{ served: Served; billed: Awaited<ReturnType<typeof billedTo>>; name: string }> {
  const { hub, allowed, facts } = call
  const { id, owner, name: ownName, headCommit } = allowed.resource
  const name = `${owner.name}/${ownName}`
  const [billed, served] = await Promise.all([billedTo(call), findServed(hub.db.read, id)])
  if (served === null) throw new HoldfastError('model_not_served', { model: name })
  try {
    await refuseHeldModel(hub, facts, served.commit ?? headCommit)
  } catch (error) {
    // Nor does it stay in memory.
    forgetModel(hub, id, null)
    throw error
  }
  return { served, billed, name }
}

/** Throws `bad_request` for what is nested deeper than can be written again. */
function written(body: object): Buffer {
  try {
    return Buffer.from(JSON.stringify(body))
  } catch (error) {
    if (error instanceof RangeError)
      throw new HoldfastError('bad_request', { reason: 'The body is nested too deeply.' })
    throw error
  }
}
