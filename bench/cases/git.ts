/**
 * The git client against Holdfast and against `git http-backend` behind nginx, on equal repositories: clones and ref lists without a
 * credential, pushes with one, into a repo that holds nothing but its first commit.
 */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, BenchCase } from '../case.ts'
import {
  bareRepositoryFolder,
  contentOf,
  type Git,
  gitClient,
  makeRepository,
  nameOf,
  timeClone,
  timeListRefs,
  timePush,
  withCredential,
} from '../git-client.ts'
import { commitBody, file, type HubClient, openClient } from '../hub-client.ts'
import { type Nginx, startGitBackend } from '../nginx.ts'
import { startHoldfast } from '../program.ts'

export const gitCase: BenchCase = {
  name: 'git',
  about:
    'git clone, push and ls-remote against Holdfast and against git http-backend behind nginx and fcgiwrap, with equal repositories. Pushes carry a password on both sides. Holdfast checks each object (fsck), judges the content and syncs everything before it answers; git by itself does not, so pushes are compared once more with a backend that is told to check and sync.',
  run: async (bench) => {
    const repositories = path.join(bench.folder, 'repositories')
    await mkdir(repositories)
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'data') })
    const credential = { user: 'bench', password: 'secret' }
    const backend = await startGitBackend(path.join(bench.folder, 'nginx'), repositories, credential).catch(
      async (error: unknown) => {
        await hub.stop()
        throw error
      },
    )
    try {
      const client = await openClient(hub)
      const git = await gitClient(path.join(bench.folder, 'home'))
      const world: World = { bench, client, backend, credential, git, repositories }
      const [many, long, commits] = bench.isQuick ? [100, 200, 20] : [1000, 10_000, 1000]
      await pushedRepo(world, '1 file', { files: 1, commits: 1 })
      await pushedRepo(world, `${many.toLocaleString('en-US')} files`, { files: many, commits: 1 })
      await pushedRepo(world, `${long.toLocaleString('en-US')} commits`, { files: 10, commits: long })
      await committedRepo(world, commits)
      client.close()
    } finally {
      await hub.stop()
      await backend.stop()
    }
  },
}

interface World {
  readonly bench: Bench
  readonly client: HubClient
  readonly backend: Nginx
  readonly credential: { readonly user: string; readonly password: string }
  readonly git: Git
  /** The yardstick's bare repositories. */
  readonly repositories: string
}

const target = { ratioAtMost: 1.2 }
const yardstickName = 'http-backend'

async function pushedRepo(world: World, shape: string, size: { files: number; commits: number }): Promise<void> {
  const { bench, git } = world
  const name = shape.replaceAll(/[^\w]+/g, '-')
  const source = path.join(bench.folder, `source-${name}`)
  await makeRepository(git, source, size)
  const places = await emptyPlaces(world, name, false)
  await bench.compare({
    name: `push, ${shape}`,
    unit: 'ms',
    target,
    ours: (round) => timePush(git, source, placeOf(places, round).ours.push),
    yardstick: {
      name: yardstickName,
      measure: (round) => timePush(git, source, placeOf(places, round).yardstick.push),
    },
  })
  const careful = await emptyPlaces(world, `${name}-careful`, true)
  await bench.compare({
    name: `push, ${shape}, both checking and syncing`,
    unit: 'ms',
    target: null,
    ours: (round) => timePush(git, source, placeOf(careful, round).ours.push),
    yardstick: {
      name: `${yardstickName} with fsckObjects and fsync=all`,
      measure: (round) => timePush(git, source, placeOf(careful, round).yardstick.push),
    },
  })
  await readCases(world, shape, placeOf(places, 0))
}

/** One for each round: each push needs a repo that has none of the objects yet. */
async function emptyPlaces(world: World, name: string, isCareful: boolean): Promise<Place[]> {
  const places: Place[] = []
  for (let round = 0; round < world.bench.rounds; round++) {
    const repo = `${name}-${round}`
    places.push(await emptyPlace(world, repo))
    if (!isCareful) continue
    // What every push to Holdfast gets, and git does not do by itself.
    const config = ['-C', bareRepositoryFolder(world.repositories, repo), 'config']
    await world.git([...config, 'core.fsync', 'all'])
    await world.git([...config, 'receive.fsckObjects', 'true'])
    await world.git([...config, 'receive.unpackLimit', '1'])
  }
  return places
}

function placeOf(places: readonly Place[], round: number): Place {
  const place = places[round]
  if (place === undefined) throw new Error(`There is no repo for round ${round}.`)
  return place
}

/** Right after many commits through the API; the yardstick serves a packed copy of the result. */
async function committedRepo(world: World, commits: number): Promise<void> {
  const { bench, git } = world
  const shape = `after ${commits.toLocaleString('en-US')} API commits`
  const place = await emptyPlace(world, 'committed', commits)
  const copy = path.join(bench.folder, 'committed-clone')
  await git(['clone', '-q', place.ours.read, copy])
  await readCases(world, shape, place)
  // Pushes one more commit each time: what a person does with a repo that others commit to.
  await bench.compare({
    name: `push of one commit, ${shape}`,
    unit: 'ms',
    target,
    ours: async (round) => {
      await git(['-C', copy, 'commit', '-q', '--allow-empty', '-m', `Round ${round}`])
      return timePush(git, copy, place.ours.push)
    },
    yardstick: { name: yardstickName, measure: () => timePush(git, copy, place.yardstick.push) },
  })
}

async function readCases(world: World, shape: string, place: Place): Promise<void> {
  const { bench, git } = world
  const clone = path.join(bench.folder, 'clone')
  await bench.compare({
    name: `clone, ${shape}`,
    unit: 'ms',
    target,
    ours: () => timeClone(git, place.ours.read, clone),
    yardstick: { name: yardstickName, measure: () => timeClone(git, place.yardstick.read, clone) },
  })
  await bench.compare({
    name: `ls-remote, ${shape}`,
    unit: 'ms',
    target,
    ours: () => timeListRefs(git, place.ours.read),
    yardstick: { name: yardstickName, measure: () => timeListRefs(git, place.yardstick.read) },
  })
}

interface Place {
  readonly ours: { readonly read: string; readonly push: string }
  readonly yardstick: { readonly read: string; readonly push: string }
}

/** A new repo on the hub with as many API commits as wanted, and the same for the yardstick. */
async function emptyPlace(world: World, name: string, commits = 0): Promise<Place> {
  const { client, backend, git, credential, repositories } = world
  const ours = `${client.url}/${await client.createRepo(name)}`
  for (let commit = 0; commit < commits; commit++) {
    const change = file(nameOf(commit % 100), contentOf(commit % 100, commit))
    await client.commit(`${client.user}/${name}`, commitBody(`Commit ${commit}`, change))
  }
  await git(['clone', '-q', '--bare', ours, bareRepositoryFolder(repositories, name)])
  const theirs = `${backend.url}/git/${name}.git`
  return {
    ours: { read: ours, push: withCredential(ours, client.user, client.token) },
    yardstick: { read: theirs, push: withCredential(theirs, credential.user, credential.password) },
  }
}
