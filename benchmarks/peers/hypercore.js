// One Corestore with a core an author. Commands: lines.js; the store's folder is the first argument.
const fs = require('fs')
const net = require('net')
const Corestore = require('corestore')
const { now, tell, obey } = require('./lines.js')

const store = new Corestore(process.argv[2])
const cores = new Map() // by author

function replicate (socket, initiator) {
  socket.setNoDelay(true)
  const stream = store.replicate(initiator)
  stream.on('error', () => {})
  socket.on('error', () => {})
  socket.pipe(stream).pipe(socket)
}

function connected (port) {
  const socket = net.connect(port, '127.0.0.1')
  replicate(socket, true)
  return socket
}

const all = work => Promise.all([...cores.values()].map(work))

obey({
  // pack: records in one block
  async seed ({ file, pack }) {
    const blocks = new Map()
    for (const line of fs.readFileSync(file, 'utf8').trimEnd().split('\n')) {
      const { author } = JSON.parse(line)
      const own = blocks.get(author) ?? blocks.set(author, [[]]).get(author)
      if (own.at(-1).length === pack) own.push([])
      own.at(-1).push(line)
    }
    const keys = {}
    for (const [author, own] of blocks) {
      const core = store.get({ name: author })
      await core.ready()
      await core.append(own.map(lines => lines.join('\n')))
      keys[author] = core.key.toString('hex')
      cores.set(author, core)
    }
    return { keys }
  },

  serve ({ port }) {
    return new Promise(resolve => {
      net.createServer(socket => replicate(socket, false)).listen(port, '127.0.0.1', () => resolve({}))
    })
  },

  async open ({ keys }) {
    for (const [author, key] of Object.entries(keys)) {
      const core = store.get({ key: Buffer.from(key, 'hex') })
      await core.ready()
      cores.set(author, core)
    }
  },

  async sync ({ port }) {
    const socket = connected(port)
    await all(async core => {
      await core.update({ wait: true })
      await core.download({ start: 0, end: core.length }).done()
    })
    const done = now()
    socket.destroy()
    return { done }
  },

  // Everything is read back from the store.
  async count () {
    let records = 0
    await all(async core => {
      for (let i = 0; i < core.length; i++) {
        const block = await core.get(i, { wait: false })
        records += block.toString().split('\n').length
      }
    })
    return { records }
  },

  // One round: connect, and ask every core for its newest length.
  async round ({ port }) {
    const socket = connected(port)
    await all(core => core.update({ wait: true }))
    socket.destroy()
  },

  async follow ({ port }) {
    connected(port)
    await all(core => core.update({ wait: true }))
    for (const core of cores.values()) {
      core.download({ start: 0, end: -1 })
      core.on('append', async () => {
        await core.get(core.length - 1)
        tell({ seen: now() })
      })
    }
  },

  async write ({ author, line }) {
    const called = now()
    await cores.get(author).append(line)
    return { called, returned: now() }
  }
})
