/** nginx as a process of its own, on the loopback, with every file in the case's folder. Also `git http-backend` behind it, through fcgiwrap. */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Missing } from './case.ts'
import { type Running, run, start } from './processes.ts'
import { bareEnvironment, freePort } from './program.ts'

export interface Nginx extends Running {
  readonly url: string
}

const install = 'apt-get install nginx-light fcgiwrap'

/** `locations` is the inside of the server block. */
export async function startNginx(folder: string, locations: string, port?: number): Promise<Nginx> {
  await run('nginx', ['-v']).catch((error: unknown) => {
    throw new Missing(`nginx is missing (${install})`, { cause: error })
  })
  const listen = port ?? (await freePort())
  await mkdir(path.join(folder, 'temporary'), { recursive: true })
  const file = path.join(folder, 'nginx.conf')
  await writeFile(file, configuration(folder, listen, locations))
  // A group: workers outlive a master that is killed.
  const running = await start('nginx', ['-e', path.join(folder, 'error.log'), '-c', file], null, { isGroup: true })
  const url = `http://127.0.0.1:${listen}`
  await untilListening(url)
  return { ...running, url }
}

/** Serves the bare repositories below `repositories` at `/git/`; a push needs the given name and password, as it does on a hub. */
export async function startGitBackend(
  folder: string,
  repositories: string,
  credential: { readonly user: string; readonly password: string },
): Promise<Nginx> {
  const fcgiwrap = await firstFile(['/usr/sbin/fcgiwrap', '/usr/bin/fcgiwrap'], 'fcgiwrap')
  const { stdout } = await run('git', ['--exec-path'])
  const backend = await firstFile([path.join(stdout.trim(), 'git-http-backend')], 'git http-backend')
  const socket = path.join(folder, 'fcgiwrap.socket')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'passwords'), `${credential.user}:{PLAIN}${credential.password}\n`)
  const wrap = await start(fcgiwrap, ['-c', '4', '-s', `unix:${socket}`], null, {
    isGroup: true,
    env: bareEnvironment(folder),
  })
  for (let waited = 0; waited < 5000 && !(await exists(socket)); waited += 20) await pause(20)
  const nginx = await startNginx(
    folder,
    `location ~ ^/git(?<repository>/.*)$ {
      auth_basic $realm;
      auth_basic_user_file ${path.join(folder, 'passwords')};
      fastcgi_pass unix:${socket};
      fastcgi_param SCRIPT_FILENAME ${backend};
      fastcgi_param GIT_PROJECT_ROOT ${repositories};
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param PATH_INFO $repository;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
    }`,
  )
  return {
    ...nginx,
    stop: async () => {
      await nginx.stop()
      await wrap.stop()
    },
  }
}

function configuration(folder: string, port: number, locations: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi']
    .map((name) => `  ${name}_temp_path ${path.join(folder, 'temporary', name)};`)
    .join('\n')
  // As root nginx would give its workers to another user, who may not read the data folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `${user}
daemon off;
worker_processes 2;
pid ${path.join(folder, 'nginx.pid')};
error_log ${path.join(folder, 'error.log')};
events { worker_connections 256; }
http {
${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  client_max_body_size 0;
  default_type application/octet-stream;
  # Only pushes need a password.
  map "$arg_service $uri" $realm { default off; ~git-receive-pack git; }
  server {
    listen 127.0.0.1:${port};
    ${locations}
  }
}
`
}

async function untilListening(url: string): Promise<void> {
  for (let waited = 0; ; waited += 20) {
    try {
      await (await fetch(`${url}/`)).arrayBuffer()
      return
    } catch (error) {
      if (waited > 5000) throw error
      await pause(20)
    }
  }
}

async function firstFile(candidates: readonly string[], name: string): Promise<string> {
  for (const candidate of candidates) if (await exists(candidate)) return candidate
  throw new Missing(`${name} is missing (${install})`)
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
