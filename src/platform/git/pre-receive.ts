/**
 * The only hook: it hands the quarantine's path and the ref commands to the server over the inherited descriptor 3 and
 * prints what the server answers on 4 (`remote: ...` at the client). Everything else is judged in the server's own
 * process; a server that dies closes 4, `read` fails, and the push is refused. It starts no other program: each costs a small push 3 ms.
 */
export const preReceiveHook = `#!/bin/sh
{
  printf '%s\\n' "$GIT_QUARANTINE_PATH"
  while IFS= read -r line; do printf '%s\\n' "$line"; done
  echo
} >&3 || exit 1
while IFS= read -r line <&4; do
  case "$line" in accept) exit 0 ;; refuse) exit 1 ;; *) printf '%s\\n' "\${line#-}" >&2 ;; esac
done
exit 1
`
